-- The clients of the API at the scheduler's last look, for the console, which sees nothing of the portal's. All of it is replaced.
CREATE TABLE api_clients (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    organisations TEXT NOT NULL,
    kinds         TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    created       TEXT NOT NULL,
    last_used     TEXT
) STRICT, WITHOUT ROWID;
