-- Events that other programs read or are sent, and the addresses to which they are sent (decision 74).

-- The contracts' entries in the order of the log, for whoever follows it.
CREATE INDEX contract_events_by_entry ON contract_events (entry);

-- `position` is the last entry of the log that was delivered, or that is none of this webhook's business. `reason` says
-- who or what disabled it. Secrets and keys are sealed, never in the clear.
CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY CHECK (id LIKE 'webhook-%'),
    client        TEXT NOT NULL CHECK (client <> ''),
    url           TEXT NOT NULL CHECK (url LIKE 'http%'),
    types         TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('pending', 'active', 'disabled')),
    reason        TEXT CHECK (reason IN ('gone', 'failing', 'administrator', 'client')),
    position      INTEGER NOT NULL CHECK (position >= -1),
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since TEXT,
    retry_at      TEXT,
    signing_key   BLOB NOT NULL,
    public_key    TEXT NOT NULL CHECK (public_key LIKE 'whpk!_%' ESCAPE '!'),
    created       TEXT NOT NULL,
    CHECK ((state = 'disabled') = (reason IS NOT NULL)),
    CHECK ((failures > 0) = (failing_since IS NOT NULL))
) STRICT;

CREATE INDEX webhooks_of_client ON webhooks (client);

-- The newest is what the receiver is to have; the one before signs as well until it `ends`.
CREATE TABLE webhook_secrets (
    webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL CHECK (number > 0),
    sealed  BLOB NOT NULL,
    made    TEXT NOT NULL,
    ends    TEXT,
    PRIMARY KEY (webhook, number)
) STRICT, WITHOUT ROWID;

-- What somebody asked for beside the events as they come: a test, or events once more, from after `position` to `last`.
CREATE TABLE webhook_requests (
    id       INTEGER PRIMARY KEY,
    webhook  TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL CHECK (kind IN ('test', 'replay')),
    message  TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= -1),
    last     INTEGER NOT NULL CHECK (last >= position),
    asked    TEXT NOT NULL
) STRICT;

CREATE INDEX webhook_requests_of ON webhook_requests (webhook, id);

CREATE TABLE webhook_attempts (
    id           INTEGER PRIMARY KEY,
    webhook      TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message      TEXT NOT NULL,
    type         TEXT NOT NULL,
    at           TEXT NOT NULL,
    status       INTEGER,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    problem      TEXT
) STRICT;

CREATE INDEX webhook_attempts_of ON webhook_attempts (webhook, id);
CREATE INDEX webhook_attempts_old ON webhook_attempts (at);
