-- The webhooks of the API's clients and the newest of what was sent to them, at the scheduler's last look. All of it is replaced.
CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    client        TEXT NOT NULL,
    url           TEXT NOT NULL,
    types         TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('pending', 'active', 'disabled')),
    reason        TEXT CHECK (reason IN ('gone', 'failing', 'administrator', 'client')),
    position      INTEGER NOT NULL,
    failures      INTEGER NOT NULL,
    failing_since TEXT,
    retry_at      TEXT,
    public_key    TEXT NOT NULL,
    created       TEXT NOT NULL,
    taken         TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_attempts (
    webhook      TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    message      TEXT NOT NULL,
    type         TEXT NOT NULL,
    at           TEXT NOT NULL,
    status       INTEGER,
    milliseconds INTEGER NOT NULL,
    problem      TEXT,
    PRIMARY KEY (webhook, number)
) STRICT, WITHOUT ROWID;
