-- What the scheduler last saw of directories and single sign-on.
CREATE TABLE directory_status (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    status TEXT NOT NULL CHECK (json_valid(status))
) STRICT;
