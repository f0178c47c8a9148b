-- How an outside signer signs; until now officers had verified each of them. NULL for people with accounts and seals.
ALTER TABLE parties ADD COLUMN method TEXT CHECK (method IN ('verified', 'vouched', 'own-certificate'));
UPDATE parties SET method = 'verified' WHERE subject LIKE 'person-guest-%';
