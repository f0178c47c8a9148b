-- Client certificates (RFC 8705): until when one counts, the one before beside it for a while, and tokens that are bound to one.
ALTER TABLE api_clients ADD COLUMN certificate_expires TEXT CHECK (certificate_expires IS NULL OR certificate IS NOT NULL);
ALTER TABLE api_clients ADD COLUMN old_certificate TEXT CHECK (old_certificate IS NULL OR (certificate IS NOT NULL AND length(old_certificate) = 64));
ALTER TABLE api_clients ADD COLUMN old_certificate_until TEXT CHECK ((old_certificate IS NULL) = (old_certificate_until IS NULL));
ALTER TABLE access_tokens ADD COLUMN certificate TEXT CHECK (length(certificate) = 64);
