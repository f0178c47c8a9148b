-- Mail merges: a contract for each row of a list, each at most once. A row has its contract's number before the contract
-- is made, so whoever goes on after an interruption finds what is there already.
CREATE TABLE mail_merges (
    id       TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    template TEXT NOT NULL,
    version  INTEGER NOT NULL,
    stage    TEXT NOT NULL CHECK (stage IN ('review', 'making', 'sending')),
    signs    INTEGER NOT NULL CHECK (signs IN (0, 1)),
    seal     TEXT,
    created  TEXT NOT NULL
) STRICT;
CREATE INDEX mail_merges_of_owner ON mail_merges (owner, created);
CREATE TABLE mail_merge_rows (
    merge    TEXT NOT NULL REFERENCES mail_merges (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    entry    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'making', 'draft', 'sent', 'failed')),
    contract TEXT UNIQUE,
    remark   TEXT,
    refusal  TEXT,
    PRIMARY KEY (merge, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_merge_rows_open ON mail_merge_rows (state, merge) WHERE state IN ('waiting', 'making', 'draft');
