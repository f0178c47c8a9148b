-- By what the portal knows again which of its forms led to a credential that waits.
ALTER TABLE pending_credentials ADD COLUMN reference TEXT;
