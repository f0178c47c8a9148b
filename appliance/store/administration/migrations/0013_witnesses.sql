-- What the scheduler last saw of the log's outside witnesses.
CREATE TABLE witness_status (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    status TEXT NOT NULL CHECK (json_valid(status))
) STRICT;
