-- The operator's side, apart from the portal's database: its own accounts, sessions, acts and journal. That nobody
-- has an account on both sides is guarded where both are known: by the portal's table `administrators`.

CREATE TABLE administrators (
    login     TEXT PRIMARY KEY CHECK (
        login = lower(login) AND length(login) BETWEEN 2 AND 64 AND login NOT IN ('root', 'system')
    ),
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    email     TEXT NOT NULL,
    role      TEXT NOT NULL CHECK (role IN ('system', 'security', 'auditor')),
    state     TEXT NOT NULL CHECK (state IN ('invited', 'active', 'locked', 'suspended', 'left')),
    password  TEXT CHECK (password LIKE '$argon2id$%'),
    totp      BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0,
    failures  INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    added     TEXT NOT NULL,
    added_by  TEXT NOT NULL,
    CHECK (state <> 'active' OR (password IS NOT NULL AND totp IS NOT NULL)),
    CHECK (added_by <> login)
) STRICT;

CREATE UNIQUE INDEX administrators_one_address ON administrators (email COLLATE NOCASE) WHERE state <> 'left';

-- One account has one duty, for good: who changes it gets another account.
CREATE TRIGGER administrators_keep_their_role BEFORE UPDATE OF login, role ON administrators
BEGIN SELECT RAISE(ABORT, 'an administrator keeps login and role'); END;

CREATE TRIGGER administrators_left_for_good BEFORE UPDATE ON administrators WHEN OLD.state = 'left'
BEGIN SELECT RAISE(ABORT, 'an account that was closed stays closed'); END;

CREATE TRIGGER administrators_stay_known BEFORE DELETE ON administrators
BEGIN SELECT RAISE(ABORT, 'the journal names administrators; they are closed, not deleted'); END;

-- `id` is the SHA-256 of the token; `password` is the chosen one while its owner sets up the second factor.
CREATE TABLE invitations (
    id       BLOB PRIMARY KEY CHECK (length(id) = 32),
    login    TEXT NOT NULL REFERENCES administrators (login),
    made     TEXT NOT NULL,
    made_by  TEXT NOT NULL CHECK (made_by <> login),
    expires  TEXT NOT NULL,
    password TEXT CHECK (password LIKE '$argon2id$%'),
    ended    TEXT
) STRICT;

CREATE UNIQUE INDEX invitations_one_open ON invitations (login) WHERE ended IS NULL;

-- `id` is the SHA-256 of what the cookie holds.
CREATE TABLE sessions (
    id      BLOB PRIMARY KEY CHECK (length(id) = 32),
    subject TEXT NOT NULL REFERENCES administrators (login),
    opened  TEXT NOT NULL,
    seen    TEXT NOT NULL,
    until   TEXT NOT NULL,
    address TEXT NOT NULL,
    agent   TEXT NOT NULL,
    ended   TEXT
) STRICT;

CREATE INDEX sessions_of ON sessions (subject) WHERE ended IS NULL;
CREATE INDEX sessions_over ON sessions (until);

CREATE TABLE throttle (
    key   TEXT PRIMARY KEY,
    count INTEGER NOT NULL CHECK (count >= 0),
    last  TEXT NOT NULL,
    until TEXT
) STRICT;

CREATE INDEX throttle_old ON throttle (last);

CREATE TABLE spent_tickets (
    digest  BLOB PRIMARY KEY CHECK (length(digest) = 32),
    expires TEXT NOT NULL
) STRICT;

CREATE INDEX spent_tickets_old ON spent_tickets (expires);

-- Everything that somebody asked for. What takes two persons waits; whatever was decided is never decided again.
-- waiting → performing | refused | withdrawn | expired; performing → done | failed | interrupted.
-- `effect` is the English sentence that was approved; `started` is when the steward took the act.
CREATE TABLE acts (
    id          TEXT PRIMARY KEY CHECK (length(id) = 12),
    action      TEXT NOT NULL,
    arguments   TEXT NOT NULL,
    effect      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (
        state IN ('waiting', 'refused', 'withdrawn', 'expired', 'performing', 'done', 'failed', 'interrupted')
    ),
    persons     INTEGER NOT NULL CHECK (persons IN (1, 2)),
    asked_by    TEXT NOT NULL,
    asked       TEXT NOT NULL,
    expires     TEXT NOT NULL,
    decided_by  TEXT,
    decided     TEXT,
    started     TEXT,
    ended       TEXT,
    outcome     TEXT,
    outcome_values TEXT,
    CHECK (persons = 2 OR state IN ('performing', 'done', 'failed', 'interrupted')),
    CHECK ((state IN ('waiting', 'expired')) <= (decided_by IS NULL)),
    CHECK (state = 'withdrawn' OR decided_by IS NULL OR decided_by <> asked_by),
    CHECK (persons = 1 OR state IN ('waiting', 'expired') OR decided_by IS NOT NULL)
) STRICT;

CREATE INDEX acts_open ON acts (asked) WHERE state IN ('waiting', 'performing');
CREATE INDEX acts_by_time ON acts (asked, id);

CREATE TRIGGER acts_say_what_was_asked BEFORE UPDATE OF
    id, action, arguments, effect, persons, asked_by, asked, expires ON acts
BEGIN SELECT RAISE(ABORT, 'what was asked for does not change'); END;

CREATE TRIGGER acts_only_go_on BEFORE UPDATE OF state ON acts WHEN NOT (
    (OLD.state = 'waiting' AND NEW.state IN ('performing', 'refused', 'withdrawn', 'expired'))
    OR (OLD.state = 'performing' AND NEW.state IN ('done', 'failed', 'interrupted'))
)
BEGIN SELECT RAISE(ABORT, 'an act is decided once and performed once'); END;

CREATE TRIGGER acts_stay BEFORE DELETE ON acts
BEGIN SELECT RAISE(ABORT, 'acts are kept'); END;

-- Each line has the digest of the one before, and its own goes into the tamper-evident log. The salt keeps a digest
-- from telling which words are in the line.
CREATE TABLE journal (
    number   INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    who      TEXT NOT NULL,
    kind     TEXT NOT NULL,
    act      TEXT REFERENCES acts (id),
    detail   TEXT NOT NULL,
    salt     BLOB NOT NULL CHECK (length(salt) = 16),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    digest   BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)
) STRICT;

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

CREATE TRIGGER journal_is_not_cut BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- One row: which journal this is, so that the log tells one from another that began anew.
CREATE TABLE identity (
    journal TEXT PRIMARY KEY CHECK (length(journal) = 16)
) STRICT;

INSERT INTO identity (journal) VALUES (lower(hex(randomblob(8))));
