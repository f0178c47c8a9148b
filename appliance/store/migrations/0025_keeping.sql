-- Until when the archive timestamp at the end of a completed contract proves anything; what rests on which algorithms.
-- A row without `until` was completed before this was kept: it is read from the document at the first round.
CREATE TABLE keeping (
    contract   TEXT PRIMARY KEY REFERENCES contracts (id),
    revision   INTEGER NOT NULL,
    until      TEXT NOT NULL,
    algorithms TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    retry_at   TEXT NOT NULL DEFAULT '',
    reason     TEXT,
    CHECK ((attempts = 0) = (reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX keeping_due ON keeping (algorithms, until, retry_at);
CREATE INDEX keeping_failing ON keeping (contract) WHERE attempts > 0;

INSERT INTO keeping (contract, revision, until, algorithms)
SELECT id, revision, '', '' FROM contracts WHERE state IN ('completed', 'voided');
