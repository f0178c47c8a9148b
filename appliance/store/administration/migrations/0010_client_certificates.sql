-- By which certificate a client of the API proves who it is (SHA-256), and until when that counts.
ALTER TABLE api_clients ADD COLUMN certificate TEXT;
ALTER TABLE api_clients ADD COLUMN certificate_expires TEXT;
