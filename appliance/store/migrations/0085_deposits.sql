-- Deposits of several files, with their rights holder, in versions. What was asked for from now on is NULL in those from before.
CREATE TABLE deposits_now (
    id          TEXT PRIMARY KEY,
    depositor   TEXT NOT NULL REFERENCES people (subject),
    -- The depositor's at that time.
    organisation TEXT NOT NULL,
    title       TEXT NOT NULL,
    -- Of the file where it is one, else of the manifest.
    digest      TEXT NOT NULL CHECK (length(digest) = 64),
    files       INTEGER NOT NULL CHECK (files >= 1),
    size        INTEGER CHECK (size >= 0),
    at          TEXT NOT NULL,
    token       BLOB NOT NULL,
    certificate TEXT NOT NULL CHECK (length(certificate) = 64),
    entry       INTEGER NOT NULL,
    -- The deposit whose next version it is.
    predecessor TEXT REFERENCES deposits_now (id) CHECK (predecessor <> id),
    client      TEXT,
    kind        TEXT,
    creation    TEXT,
    holder_kind TEXT CHECK (holder_kind IN ('depositor', 'person', 'organisation')),
    holder      TEXT CHECK (holder <> ''),
    completed   TEXT,
    description TEXT,
    -- The version of the declaration.
    declaration TEXT,
    CHECK ((kind IS NULL) + (creation IS NULL) + (holder_kind IS NULL) + (holder IS NULL) + (description IS NULL) + (declaration IS NULL) IN (0, 6)),
    CHECK (kind IS NOT NULL OR completed IS NULL)
) STRICT;

INSERT INTO deposits_now (id, depositor, organisation, title, digest, files, size, at, token, certificate, entry)
SELECT d.id, d.depositor, p.organisation, d.title, d.digest, 1, d.size, d.at, d.token, d.certificate, d.entry
FROM deposits AS d JOIN people AS p ON p.subject = d.depositor ORDER BY d.rowid;

-- The files of each, in the manifest's order; names as their owners have them.
CREATE TABLE deposit_files (
    deposit TEXT NOT NULL REFERENCES deposits_now (id),
    place   INTEGER NOT NULL CHECK (place >= 0),
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL CHECK (length(digest) = 64),
    size    INTEGER CHECK (size >= 0),
    PRIMARY KEY (deposit, place)
) STRICT, WITHOUT ROWID;

INSERT INTO deposit_files (deposit, place, name, digest, size) SELECT id, 0, file, digest, size FROM deposits;

DROP TABLE deposits;
ALTER TABLE deposits_now RENAME TO deposits;

-- The same files are deposited once by a person, and again as the next version of another deposit.
CREATE UNIQUE INDEX deposits_once ON deposits (depositor, digest, coalesce(predecessor, ''));
CREATE UNIQUE INDEX deposits_in_a_chain ON deposits (predecessor) WHERE predecessor IS NOT NULL;
CREATE INDEX deposits_of_person ON deposits (depositor, entry);
CREATE INDEX deposits_of_organisation ON deposits (organisation, entry);
CREATE INDEX deposits_of_digest ON deposits (digest);
CREATE INDEX deposits_of_certificate ON deposits (certificate);
CREATE INDEX deposit_files_by_digest ON deposit_files (digest);

CREATE TRIGGER deposits_are_kept BEFORE UPDATE ON deposits
BEGIN SELECT RAISE(ABORT, 'a deposit is never rewritten'); END;
CREATE TRIGGER deposit_files_are_kept BEFORE UPDATE ON deposit_files
BEGIN SELECT RAISE(ABORT, 'a deposit is never rewritten'); END;
CREATE TRIGGER deposit_files_stay BEFORE DELETE ON deposit_files
BEGIN SELECT RAISE(ABORT, 'a file of a deposit is never taken out'); END;
