-- What administrators sign acts with, as they registered it. Which of these keys count, root says, in files that the
-- console cannot write (appliance/administration/confirmed.py).
CREATE TABLE passkeys (
    credential BLOB PRIMARY KEY CHECK (length(credential) BETWEEN 1 AND 1023),
    login      TEXT NOT NULL REFERENCES administrators (login),
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL CHECK (sign_count >= 0),
    label      TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    added      TEXT NOT NULL
) STRICT;

CREATE INDEX passkeys_of ON passkeys (login);

-- What their devices answered about an act, for whoever performs it.
CREATE TABLE signatures (
    act    TEXT NOT NULL REFERENCES acts (id),
    part   TEXT NOT NULL CHECK (part IN ('asks', 'approves')),
    login  TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (length(answer) <= 20000),
    PRIMARY KEY (act, part)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER signatures_are_not_changed BEFORE UPDATE ON signatures
BEGIN SELECT RAISE(ABORT, 'what was signed does not change'); END;

CREATE TRIGGER signatures_stay BEFORE DELETE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are kept'); END;

-- The SHA-256 of the code that one person gives, while the link is given by another.
ALTER TABLE invitations ADD COLUMN code BLOB CHECK (code IS NULL OR length(code) = 32);
ALTER TABLE invitations ADD COLUMN wrong INTEGER NOT NULL DEFAULT 0 CHECK (wrong >= 0);
