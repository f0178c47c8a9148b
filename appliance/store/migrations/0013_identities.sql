-- Checks of people's identity. The number of the document is kept nowhere, only its salted commitment.

CREATE TABLE identity_records (
    id           TEXT PRIMARY KEY,
    person       TEXT NOT NULL REFERENCES people (subject),
    document     TEXT NOT NULL CHECK (document IN ('id-card', 'passport', 'travel-permit', 'residence-permit', 'other')),
    salt         TEXT NOT NULL CHECK (length(salt) = 64),
    commitment   TEXT NOT NULL CHECK (length(commitment) = 64),
    ending       TEXT NOT NULL CHECK (length(ending) <= 4),
    against      TEXT NOT NULL CHECK (against IN ('original', 'video', 'copy', 'register')),
    note         TEXT NOT NULL,
    checked_by   TEXT NOT NULL REFERENCES people (subject),
    answers      TEXT NOT NULL REFERENCES people (subject),
    since        TEXT NOT NULL,
    until        TEXT NOT NULL,
    renews       TEXT REFERENCES identity_records (id),
    entry        INTEGER NOT NULL,
    withdrawn    TEXT,
    withdrawn_by TEXT REFERENCES people (subject),
    reason       TEXT,
    CHECK (checked_by <> person AND answers <> person),
    CHECK (since < until),
    CHECK ((withdrawn IS NULL) = (withdrawn_by IS NULL) AND (withdrawn IS NULL) = (reason IS NULL))
) STRICT;

CREATE INDEX identity_records_of_person ON identity_records (person, since);

CREATE TRIGGER identity_records_are_kept BEFORE UPDATE ON identity_records
WHEN OLD.withdrawn IS NOT NULL OR NEW.person <> OLD.person OR NEW.commitment <> OLD.commitment
    OR NEW.checked_by <> OLD.checked_by OR NEW.since <> OLD.since OR NEW.until <> OLD.until
BEGIN SELECT RAISE(ABORT, 'a record of identity is withdrawn, never changed'); END;
