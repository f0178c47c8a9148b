-- Web captures (网页取证). Somebody with the new role enters an address; the scheduler captures it.
DROP TRIGGER review_waivers_by_reviewers;
DROP TRIGGER review_sign_offs_by_reviewers;
DROP TRIGGER review_approvals_by_reviewers;

CREATE TABLE account_roles_now (
    subject TEXT NOT NULL REFERENCES accounts (subject),
    role    TEXT NOT NULL CHECK (
        CASE
            WHEN role IN ('initiator', 'signer', 'custodian', 'reviewer', 'investigator')
                THEN subject LIKE 'person-%' AND subject NOT LIKE 'person-guest-%'
            WHEN role = 'representative' THEN subject LIKE 'person-guest-%'
            WHEN role = 'officer' THEN subject LIKE 'officer-%'
            WHEN role = 'auditor' THEN subject LIKE 'auditor-%'
            WHEN role = 'operator' THEN subject LIKE 'operator-%'
            ELSE 0
        END
    ),
    PRIMARY KEY (subject, role)
) STRICT, WITHOUT ROWID;

INSERT INTO account_roles_now (subject, role) SELECT subject, role FROM account_roles;
DROP TABLE account_roles;
ALTER TABLE account_roles_now RENAME TO account_roles;

CREATE TRIGGER review_approvals_by_reviewers BEFORE INSERT ON review_approvals
WHEN NEW.by = (SELECT c.initiator FROM contracts c JOIN review_requests r ON r.contract = c.id WHERE r.id = NEW.request)
    OR CASE NEW.department
        WHEN '' THEN NEW.by NOT IN (SELECT a.manager FROM review_requests r JOIN contracts c ON c.id = r.contract
            JOIN managers_above a ON a.subject = c.initiator WHERE r.id = NEW.request)
        ELSE NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer') END
BEGIN SELECT RAISE(ABORT, 'only a reviewer or manager who is not the initiator approves a step of a review'); END;

CREATE TRIGGER review_waivers_by_reviewers BEFORE INSERT ON review_waivers
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
    AND NEW.by NOT IN (SELECT a.manager FROM contracts c JOIN managers_above a ON a.subject = c.initiator
        WHERE c.id = NEW.contract)
BEGIN SELECT RAISE(ABORT, 'only a reviewer or manager who is not the initiator waives a finding'); END;

CREATE TRIGGER review_sign_offs_by_reviewers BEFORE INSERT ON review_sign_offs
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
    AND NOT EXISTS (SELECT 1 FROM review_requests r JOIN review_approvals a ON a.request = r.id
        WHERE r.contract = NEW.contract AND r.state = 'open' AND a.department = '' AND a.by = NEW.by)
BEGIN SELECT RAISE(ABORT, 'only a reviewer or manager who is not the initiator signs a check off'); END;

-- Captures of one address by a plan: `times` in all, the first on the day `first` when it was ordered, the others every
-- so many days at `at` (a time of day in `zone`). `turn` counts those whose time has come, `missed` those of them that
-- were not made; `due` is when the next one is, NULL when none comes any more; `client` is the API client that ordered it.
CREATE TABLE capture_schedules (
    id      TEXT PRIMARY KEY CHECK (length(id) = 24),
    owner   TEXT NOT NULL REFERENCES people (subject),
    address TEXT NOT NULL,
    purpose TEXT NOT NULL,
    steps   TEXT NOT NULL,
    every   INTEGER NOT NULL CHECK (every BETWEEN 1 AND 366),
    at      TEXT NOT NULL,
    zone    TEXT NOT NULL,
    first   TEXT NOT NULL,
    times   INTEGER NOT NULL CHECK (times BETWEEN 2 AND 1000),
    turn    INTEGER NOT NULL DEFAULT 1 CHECK (turn BETWEEN 1 AND times),
    missed  INTEGER NOT NULL DEFAULT 0 CHECK (missed BETWEEN 0 AND turn),
    due     TEXT,
    made    TEXT NOT NULL,
    stopped TEXT,
    client  TEXT,
    CHECK (stopped IS NULL OR due IS NULL)
) STRICT;
CREATE INDEX capture_schedules_due ON capture_schedules (due) WHERE due IS NOT NULL;
CREATE INDEX capture_schedules_of ON capture_schedules (owner, made);
CREATE INDEX capture_schedules_of_client ON capture_schedules (client, made) WHERE client IS NOT NULL;

-- `refusal` is the sentence of why it failed, or why it still waits; `attempts` how often it was begun, `claimant` the
-- process that works on it. `visited` is the address that was shown in the end, `entry` and
-- `recorded` the entry of the log and its time, `audience` for whom the package is made. `compared` is
-- the earlier capture that it was compared with, `changed` and `differences` what came of that. `held`: why it is kept
-- beyond its term.
CREATE TABLE captures (
    id          TEXT PRIMARY KEY CHECK (length(id) = 24),
    owner       TEXT NOT NULL REFERENCES people (subject),
    address     TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    steps       TEXT NOT NULL,
    schedule    TEXT REFERENCES capture_schedules (id),
    client      TEXT,
    ordered     TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'disposed')),
    retry_at    TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 2),
    claimant    TEXT,
    began       TEXT,
    stage       TEXT NOT NULL DEFAULT '',
    requests    INTEGER NOT NULL DEFAULT 0,
    received    INTEGER NOT NULL DEFAULT 0,
    ended       TEXT,
    refusal     TEXT,
    title       TEXT NOT NULL DEFAULT '',
    visited     TEXT NOT NULL DEFAULT '',
    entry       INTEGER REFERENCES ledger (number),
    recorded    TEXT,
    audience    TEXT NOT NULL DEFAULT '',
    compared    TEXT REFERENCES captures (id),
    changed     INTEGER CHECK (changed IN (0, 1)),
    differences TEXT,
    held        TEXT,
    CHECK ((state = 'running') = (claimant IS NOT NULL)),
    CHECK ((state IN ('waiting', 'running')) = (ended IS NULL)),
    CHECK ((entry IS NOT NULL) = (state IN ('done', 'disposed'))),
    CHECK ((entry IS NULL) = (recorded IS NULL)),
    CHECK (state <> 'failed' OR refusal IS NOT NULL),
    CHECK ((changed IS NULL) = (compared IS NULL)),
    CHECK (state <> 'disposed' OR held IS NULL)
) STRICT;
CREATE INDEX captures_waiting ON captures (retry_at) WHERE state = 'waiting';
CREATE INDEX captures_running ON captures (began) WHERE state = 'running';
CREATE INDEX captures_of ON captures (owner, ordered);
CREATE INDEX captures_by_time ON captures (ordered);
CREATE INDEX captures_of_client ON captures (client, ordered) WHERE client IS NOT NULL;
CREATE INDEX captures_of_schedule ON captures (schedule, ordered) WHERE schedule IS NOT NULL;
CREATE INDEX captures_to_dispose ON captures (ended) WHERE state = 'done' AND held IS NULL;

CREATE TRIGGER captures_end_once BEFORE UPDATE ON captures
WHEN OLD.state IN ('failed', 'cancelled', 'disposed') AND NEW.state <> OLD.state
    OR OLD.state = 'done' AND NEW.state NOT IN ('done', 'disposed')
    OR OLD.entry IS NOT NULL AND NEW.entry IS NOT OLD.entry
BEGIN SELECT RAISE(ABORT, 'a capture ends once'); END;

-- What a capture gave: the files of its package by their names there, the package itself, and a small picture of the page.
CREATE TABLE capture_files (
    capture TEXT NOT NULL REFERENCES captures (id),
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL CHECK (length(digest) = 64),
    size    INTEGER NOT NULL CHECK (size >= 0),
    PRIMARY KEY (capture, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX capture_files_by_digest ON capture_files (digest);

-- Captures that were recorded and of which something is still to be made: the small picture, the comparison, the package.
CREATE TABLE captures_to_finish (
    capture TEXT PRIMARY KEY REFERENCES captures (id),
    since   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
