-- What the scheduler found stuck at its last look, for the console, which sees no contracts. All of it is replaced.
CREATE TABLE stuck (
    contract TEXT NOT NULL,
    step     TEXT NOT NULL,
    since    TEXT,
    cause    TEXT NOT NULL,
    cause_values TEXT NOT NULL,
    PRIMARY KEY (contract, step)
) STRICT, WITHOUT ROWID;
