-- Maintenance: announced from when it is planned, under way from `begins` until somebody ends it. `until` is what people
-- are told. `exceptions` are the subjects (JSON) who may go on, for testing; they are forgotten at the end.
CREATE TABLE maintenance (
    id         INTEGER PRIMARY KEY,
    planned    TEXT NOT NULL,
    begins     TEXT NOT NULL,
    until      TEXT NOT NULL CHECK (until > begins),
    message    TEXT NOT NULL,
    exceptions TEXT NOT NULL,
    ended      TEXT,
    CHECK (ended IS NULL OR exceptions = '[]')
) STRICT;

CREATE UNIQUE INDEX maintenance_one_open ON maintenance ((1)) WHERE ended IS NULL;
