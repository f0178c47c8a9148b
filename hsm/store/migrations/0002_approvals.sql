-- Approvals that wait for others, and the set-up codes by which a first officer is appointed.

-- One person's activation of an act that may need another's; it counts while its credential does.
CREATE TABLE approvals (
    nonce BLOB NOT NULL CHECK (length(nonce) = 16),
    subject TEXT NOT NULL REFERENCES subjects (subject),
    challenge BLOB NOT NULL CHECK (length(challenge) = 32),
    credential INTEGER NOT NULL REFERENCES credentials (number),
    strength TEXT NOT NULL CHECK (strength IN ('webauthn', 'pin-totp')),
    approved INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (nonce, subject)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER approvals_stay BEFORE UPDATE ON approvals
BEGIN SELECT RAISE (ABORT, 'approvals are never changed'); END;
CREATE TRIGGER approvals_remain BEFORE DELETE ON approvals
BEGIN SELECT RAISE (ABORT, 'approvals are never deleted'); END;

CREATE TABLE setup_codes (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    expires INTEGER NOT NULL,
    officer TEXT UNIQUE REFERENCES subjects (subject),
    used INTEGER,
    CHECK ((officer IS NULL) = (used IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER setup_codes_count_once BEFORE UPDATE ON setup_codes WHEN OLD.used IS NOT NULL
BEGIN SELECT RAISE (ABORT, 'a set-up code counts once'); END;
CREATE TRIGGER setup_codes_remain BEFORE DELETE ON setup_codes
BEGIN SELECT RAISE (ABORT, 'set-up codes are never deleted'); END;

CREATE TABLE setup_lock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT;
INSERT INTO setup_lock (one, failures, locked_until) VALUES (1, 0, 0);
