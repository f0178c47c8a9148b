-- A batch of the API is a mail merge that a client asked for. 'digest' is the SHA-256 of what was asked, by which a repeated
-- request is told from another one with the same id; 'due' says that there may be something to make or send.
ALTER TABLE mail_merges ADD COLUMN client TEXT;
ALTER TABLE mail_merges ADD COLUMN digest TEXT;
ALTER TABLE mail_merges ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mail_merges ADD COLUMN due INTEGER NOT NULL DEFAULT 0 CHECK (due IN (0, 1));
UPDATE mail_merges SET due = 1 WHERE stage <> 'review';
CREATE INDEX mail_merges_due ON mail_merges (created, owner, client) WHERE due = 1;
CREATE INDEX mail_merges_created ON mail_merges (created);
CREATE INDEX mail_merges_of_client ON mail_merges (client, created, id) WHERE client IS NOT NULL;

-- With a further state, the integrator's reference, and the code of a refusal; the open rows of one list are found in their
-- order however long it is.
CREATE TABLE mail_merge_rows_ (
    merge     TEXT NOT NULL REFERENCES mail_merges (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    entry     TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('waiting', 'making', 'draft', 'sent', 'failed', 'cancelled')),
    contract  TEXT UNIQUE,
    remark    TEXT,
    refusal   TEXT,
    code      TEXT,
    reference TEXT,
    PRIMARY KEY (merge, number)
) STRICT, WITHOUT ROWID;
INSERT INTO mail_merge_rows_ (merge, number, entry, state, contract, remark, refusal)
    SELECT merge, number, entry, state, contract, remark, refusal FROM mail_merge_rows;
DROP TABLE mail_merge_rows;
ALTER TABLE mail_merge_rows_ RENAME TO mail_merge_rows;
CREATE INDEX mail_merge_rows_by_state ON mail_merge_rows (merge, state, number);
CREATE UNIQUE INDEX mail_merge_rows_by_reference ON mail_merge_rows (merge, reference) WHERE reference IS NOT NULL;

-- What was wrong with the rows that were not taken, where the others were.
CREATE TABLE mail_merge_faults (
    merge    TEXT NOT NULL REFERENCES mail_merges (id) ON DELETE CASCADE,
    place    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    heading  TEXT NOT NULL,
    cell     TEXT NOT NULL,
    sentence TEXT NOT NULL,
    PRIMARY KEY (merge, place)
) STRICT, WITHOUT ROWID;
