-- One-time codes by which an officer who lost every authenticator registers a new one: left by a ceremony with the
-- root's custodians. `ended`: used, or replaced by a newer one.
CREATE TABLE recovery_codes (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    officer TEXT NOT NULL REFERENCES subjects (subject),
    expires INTEGER NOT NULL,
    ended INTEGER
) STRICT, WITHOUT ROWID;
CREATE TRIGGER recovery_codes_count_once BEFORE UPDATE ON recovery_codes WHEN OLD.ended IS NOT NULL
BEGIN SELECT RAISE (ABORT, 'a recovery code counts once'); END;
CREATE TRIGGER recovery_codes_remain BEFORE DELETE ON recovery_codes
BEGIN SELECT RAISE (ABORT, 'recovery codes are never deleted'); END;
