-- Powers of attorney: registered by one, verified by another, revoked at any time. `kinds`, `counterparties` and
-- `seals` are JSON arrays; `until` is exclusive.

CREATE TABLE powers (
    id             TEXT PRIMARY KEY CHECK (id LIKE 'power-%'),
    basis          TEXT NOT NULL CHECK (basis IN ('letter', 'contract', 'legal-representative')),
    grantor        TEXT NOT NULL CHECK (grantor <> ''),
    principal      TEXT NOT NULL CHECK (principal <> ''),
    agent          TEXT NOT NULL REFERENCES people (subject),
    kinds          TEXT NOT NULL,
    counterparties TEXT NOT NULL,
    amount         INTEGER CHECK (amount >= 0),
    currency       TEXT CHECK ((currency IS NULL) = (amount IS NULL)),
    seals          TEXT NOT NULL,
    since          TEXT NOT NULL,
    until          TEXT NOT NULL CHECK (since < until),
    replaces       INTEGER NOT NULL CHECK (replaces IN (0, 1)),
    document       TEXT NOT NULL CHECK (length(document) = 64),
    size           INTEGER NOT NULL CHECK (size > 0),
    contract       TEXT REFERENCES contracts (id),
    registered_by  TEXT NOT NULL REFERENCES people (subject),
    registered     TEXT NOT NULL,
    verified_by    TEXT REFERENCES people (subject),
    verified       TEXT,
    refused_by     TEXT REFERENCES people (subject),
    refused        TEXT,
    refusal        TEXT,
    revoked_by     TEXT REFERENCES people (subject),
    revoked        TEXT,
    revocation     TEXT,
    CHECK ((basis = 'contract') = (contract IS NOT NULL)),
    CHECK ((verified IS NULL) = (verified_by IS NULL)),
    CHECK (verified_by IS NULL OR (verified_by <> registered_by AND verified_by <> agent)),
    CHECK ((refused IS NULL) = (refused_by IS NULL) AND (refused IS NULL) = (refusal IS NULL)),
    CHECK (refused IS NULL OR verified IS NULL),
    CHECK ((revoked IS NULL) = (revoked_by IS NULL) AND (revoked IS NULL) = (revocation IS NULL))
) STRICT;

CREATE INDEX powers_of_agent ON powers (agent, since);
CREATE INDEX powers_by_time ON powers (registered, id);

CREATE TRIGGER powers_say_the_same BEFORE UPDATE ON powers
WHEN NEW.basis <> OLD.basis OR NEW.grantor <> OLD.grantor OR NEW.principal <> OLD.principal
    OR NEW.agent <> OLD.agent OR NEW.kinds <> OLD.kinds OR NEW.counterparties <> OLD.counterparties
    OR NEW.amount IS NOT OLD.amount OR NEW.currency IS NOT OLD.currency OR NEW.seals <> OLD.seals
    OR NEW.since <> OLD.since OR NEW.until <> OLD.until OR NEW.replaces <> OLD.replaces
    OR NEW.document <> OLD.document OR NEW.registered_by <> OLD.registered_by
BEGIN SELECT RAISE(ABORT, 'a power is revoked, never changed'); END;
CREATE TRIGGER powers_end_once BEFORE UPDATE ON powers
WHEN OLD.refused IS NOT NULL OR OLD.revoked IS NOT NULL
    OR (OLD.verified IS NOT NULL AND NEW.verified IS NOT OLD.verified)
BEGIN SELECT RAISE(ABORT, 'what was decided on a power stays'); END;
CREATE TRIGGER powers_stay BEFORE DELETE ON powers
BEGIN SELECT RAISE(ABORT, 'a power is never deleted'); END;

-- Which log entries tell of a power.
CREATE TABLE power_events (
    power TEXT NOT NULL REFERENCES powers (id),
    entry INTEGER NOT NULL,
    PRIMARY KEY (power, entry)
) STRICT, WITHOUT ROWID;

-- On what a signature rests: the signer's identity and authority, as found when it was prepared and completed.
CREATE TABLE signing_grounds (
    intent TEXT NOT NULL REFERENCES intents (id),
    stage  TEXT NOT NULL CHECK (stage IN ('prepared', 'completed')),
    record BLOB NOT NULL,
    PRIMARY KEY (intent, stage)
) STRICT, WITHOUT ROWID;
