-- A certificate is made when somebody first asks for it, and kept from then on; those of before were made with their deposits.
CREATE TABLE deposit_certificates (
    deposit TEXT PRIMARY KEY REFERENCES deposits (id),
    digest  TEXT NOT NULL CHECK (length(digest) = 64),
    -- The log's entry that has the digest.
    entry   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO deposit_certificates (deposit, digest, entry) SELECT id, certificate, entry FROM deposits;
DROP INDEX deposits_of_certificate;
ALTER TABLE deposits DROP COLUMN certificate;

CREATE INDEX deposit_certificates_by_digest ON deposit_certificates (digest);

CREATE TRIGGER deposit_certificates_are_kept BEFORE UPDATE ON deposit_certificates
BEGIN SELECT RAISE(ABORT, 'a certificate of a deposit is never replaced'); END;
CREATE TRIGGER deposit_certificates_stay BEFORE DELETE ON deposit_certificates
BEGIN SELECT RAISE(ABORT, 'a certificate of a deposit is never replaced'); END;

-- Many deposits at once; due: some of them wait. A batch goes after a month, its deposits stay.
CREATE TABLE deposit_batches (
    id      TEXT PRIMARY KEY,
    owner   TEXT NOT NULL REFERENCES people (subject),
    created TEXT NOT NULL,
    due     INTEGER NOT NULL DEFAULT 1 CHECK (due IN (0, 1))
) STRICT;

CREATE INDEX deposit_batches_of_owner ON deposit_batches (owner, created);
CREATE INDEX deposit_batches_due ON deposit_batches (created) WHERE due = 1;
CREATE INDEX deposit_batches_over ON deposit_batches (created) WHERE due = 0;

CREATE TABLE deposit_batch_rows (
    batch       TEXT NOT NULL REFERENCES deposit_batches (id),
    number      INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'made', 'failed')),
    -- The number under which it is made; once it is, that of the deposit that there is.
    deposit     TEXT NOT NULL,
    -- Why it was not made, as JSON.
    refusal     TEXT,
    title       TEXT NOT NULL,
    name        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    size        INTEGER,
    predecessor TEXT,
    kind        TEXT NOT NULL,
    creation    TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder      TEXT NOT NULL,
    declaration TEXT NOT NULL,
    completed   TEXT,
    description TEXT NOT NULL,
    PRIMARY KEY (batch, number),
    CHECK ((state = 'failed') = (refusal IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX deposit_batch_rows_by_state ON deposit_batch_rows (batch, state, number);
