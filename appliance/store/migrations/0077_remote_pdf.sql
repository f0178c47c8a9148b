-- A PDF that is prepared for a signature within (decision 77): the digest of what was handed in, the level, whether it
-- certifies, and where in the content the signature comes.
ALTER TABLE remote_requests ADD COLUMN pdf TEXT;
