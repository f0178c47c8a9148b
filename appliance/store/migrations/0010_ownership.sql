-- Ownership certificates: who had a file of this digest at what time.
CREATE TABLE deposits (
    id          TEXT PRIMARY KEY,
    depositor   TEXT NOT NULL REFERENCES people (subject),
    title       TEXT NOT NULL,
    file        TEXT NOT NULL,
    digest      TEXT NOT NULL CHECK (length(digest) = 64),
    size        INTEGER CHECK (size >= 0),
    at          TEXT NOT NULL,
    token       BLOB NOT NULL,
    certificate TEXT NOT NULL CHECK (length(certificate) = 64),
    entry       INTEGER NOT NULL,
    UNIQUE (depositor, digest)
) STRICT;

CREATE INDEX deposits_of_person ON deposits (depositor, at);
CREATE INDEX deposits_of_digest ON deposits (digest, at);

CREATE TRIGGER deposits_are_kept BEFORE UPDATE OF depositor, digest, size, at, token, certificate, entry ON deposits
BEGIN SELECT RAISE(ABORT, 'a deposit is never rewritten'); END;
