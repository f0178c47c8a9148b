-- Intents that nobody may confirm or use any more, until they would have expired; and approvals taken back by those who
-- gave them, who may approve again.
CREATE TABLE withdrawn_intents (
    nonce BLOB PRIMARY KEY CHECK (length(nonce) = 16),
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals_now (
    number INTEGER PRIMARY KEY,
    nonce BLOB NOT NULL CHECK (length(nonce) = 16),
    subject TEXT NOT NULL REFERENCES subjects (subject),
    challenge BLOB NOT NULL CHECK (length(challenge) = 32),
    credential INTEGER NOT NULL REFERENCES credentials (number),
    strength TEXT NOT NULL CHECK (strength IN ('webauthn', 'pin-totp')),
    approved INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    withdrawn INTEGER
) STRICT;
INSERT INTO approvals_now (nonce, subject, challenge, credential, strength, approved, expires)
    SELECT nonce, subject, challenge, credential, strength, approved, expires FROM approvals ORDER BY approved, subject;
DROP TABLE approvals;
ALTER TABLE approvals_now RENAME TO approvals;
CREATE UNIQUE INDEX approvals_that_count ON approvals (nonce, subject) WHERE withdrawn IS NULL;
CREATE TRIGGER approvals_stay BEFORE UPDATE ON approvals
WHEN OLD.withdrawn IS NOT NULL OR NEW.withdrawn IS NULL
    OR (NEW.number, NEW.nonce, NEW.subject, NEW.challenge, NEW.credential, NEW.strength, NEW.approved, NEW.expires)
        IS NOT (OLD.number, OLD.nonce, OLD.subject, OLD.challenge, OLD.credential, OLD.strength, OLD.approved, OLD.expires)
BEGIN SELECT RAISE (ABORT, 'an approval is taken back and otherwise never changed'); END;
CREATE TRIGGER approvals_remain BEFORE DELETE ON approvals
BEGIN SELECT RAISE (ABORT, 'approvals are never deleted'); END;
