-- How each thing stands: the last answer, when it was given, and since when it has been so.
CREATE TABLE observations (
    name      TEXT PRIMARY KEY,
    position  INTEGER NOT NULL,
    condition TEXT NOT NULL CHECK (condition IN ('good', 'attention', 'failing')),
    sentence  TEXT NOT NULL,
    remedy    TEXT NOT NULL,
    page      TEXT,
    mark      TEXT NOT NULL,
    since     TEXT NOT NULL,
    at        TEXT NOT NULL,
    CHECK ((condition = 'good') = (page IS NULL))
) STRICT, WITHOUT ROWID;

-- When the watch last went all the way round, and what it measured then.
CREATE TABLE rounds (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    at      TEXT NOT NULL,
    figures TEXT NOT NULL
) STRICT;

-- Figures over time, gathered by the hour. `last` is the newest; of what only grows, `high` - `low` is the growth.
CREATE TABLE series (
    name  TEXT NOT NULL,
    hour  TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    total REAL NOT NULL,
    low   REAL NOT NULL,
    high  REAL NOT NULL,
    last  REAL NOT NULL,
    PRIMARY KEY (name, hour)
) STRICT, WITHOUT ROWID;

-- How many entries of the log up to `position` are of which kind, counted as they come.
CREATE TABLE tallies (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL CHECK (position >= 0),
    counts   TEXT NOT NULL
) STRICT;

-- What was told: that something is wrong, that it still is, that it is over. One row for each telling.
CREATE TABLE alarms (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    event     TEXT NOT NULL CHECK (event IN ('begun', 'lasting', 'over')),
    condition TEXT NOT NULL,
    sentence  TEXT NOT NULL,
    remedy    TEXT NOT NULL,
    page      TEXT,
    mark      TEXT NOT NULL,
    since     TEXT NOT NULL,
    at        TEXT NOT NULL
) STRICT;

CREATE INDEX alarms_of ON alarms (name, id);

-- To whom each is told, until it has been: a mail address, or the webhook.
CREATE TABLE tellings (
    id       INTEGER PRIMARY KEY,
    alarm    INTEGER NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
    channel  TEXT NOT NULL CHECK (channel IN ('mail', 'webhook')),
    address  TEXT NOT NULL,
    state    TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'told', 'given-up')),
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at TEXT NOT NULL,
    reason   TEXT,
    UNIQUE (alarm, channel, address)
) STRICT;

CREATE INDEX tellings_waiting ON tellings (retry_at, id) WHERE state = 'waiting';
