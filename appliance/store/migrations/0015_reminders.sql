-- Reminders: what is to be derived when, what was derived, what people wish, and dates beyond signing.

-- `withdrawn`: what the message asked for was done before it went out. `settled` is when the state changed last.
CREATE TABLE outbox_rebuilt (
    id         INTEGER PRIMARY KEY,
    contract   TEXT REFERENCES contracts (id),
    recipient  TEXT NOT NULL REFERENCES people (subject),
    kind       TEXT NOT NULL,
    about      TEXT NOT NULL DEFAULT '',
    due        TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'refused', 'withdrawn')),
    message_id TEXT NOT NULL UNIQUE,
    attempts   INTEGER NOT NULL DEFAULT 0,
    retry_at   TEXT NOT NULL,
    reason     TEXT,
    settled    TEXT
) STRICT;

INSERT INTO outbox_rebuilt (
    id, contract, recipient, kind, about, due, state, message_id, attempts, retry_at, reason
)
SELECT id, contract, recipient, kind, about, due, state, message_id, attempts, retry_at, reason FROM outbox;

DROP TABLE outbox;
ALTER TABLE outbox_rebuilt RENAME TO outbox;

CREATE INDEX outbox_waiting ON outbox (retry_at) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_gathering ON outbox (recipient) WHERE state = 'queued' AND kind = 'reminders';
CREATE INDEX outbox_of_contract ON outbox (contract, recipient);
CREATE INDEX outbox_of_recipient ON outbox (recipient, due);
CREATE INDEX outbox_failed ON outbox (state) WHERE state IN ('unknown', 'refused');

-- Days that the contract itself names, read by the clocks of its zone.
CREATE TABLE contract_dates (
    contract TEXT NOT NULL REFERENCES contracts (id),
    kind     TEXT NOT NULL CHECK (kind IN ('effective', 'renewal', 'expiry')),
    day      TEXT NOT NULL CHECK (day IS date(day)),
    set_by   TEXT NOT NULL REFERENCES people (subject),
    set_at   TEXT NOT NULL,
    PRIMARY KEY (contract, kind)
) STRICT, WITHOUT ROWID;

-- When reminders of a contract are to be derived next: '' at once, because something has changed; NULL never.
CREATE TABLE reminder_plans (
    contract TEXT NOT NULL REFERENCES contracts (id),
    occasion TEXT NOT NULL CHECK (occasion IN ('signing', 'effective', 'renewal', 'expiry')),
    next_due TEXT,
    PRIMARY KEY (contract, occasion)
) STRICT, WITHOUT ROWID;

CREATE INDEX reminder_plans_due ON reminder_plans (next_due) WHERE next_due IS NOT NULL;

INSERT INTO reminder_plans (contract, occasion, next_due)
SELECT id, 'signing', '' FROM contracts WHERE state = 'sent';

CREATE TABLE reminders (
    id        INTEGER PRIMARY KEY,
    contract  TEXT NOT NULL REFERENCES contracts (id),
    recipient TEXT NOT NULL REFERENCES people (subject),
    occasion  TEXT NOT NULL CHECK (occasion IN ('signing', 'effective', 'renewal', 'expiry')),
    step      TEXT NOT NULL,
    part      TEXT NOT NULL CHECK (part IN ('signer', 'custodian', 'initiator', 'stand-in')),
    about     TEXT NOT NULL DEFAULT '',
    anchor    TEXT NOT NULL,
    due       TEXT NOT NULL,
    made      TEXT NOT NULL,
    closed    TEXT,
    mail      INTEGER REFERENCES outbox (id),
    UNIQUE (contract, recipient, occasion, step, about, anchor)
) STRICT;

CREATE INDEX reminders_open ON reminders (contract, occasion) WHERE closed IS NULL;
CREATE INDEX reminders_of_recipient ON reminders (recipient, made) WHERE closed IS NULL;
CREATE INDEX reminders_of_contract ON reminders (contract, mail);
CREATE INDEX reminders_in_mail ON reminders (mail);

CREATE TABLE reminder_wishes (
    person      TEXT PRIMARY KEY REFERENCES people (subject),
    quiet_start TEXT CHECK (quiet_start GLOB '[0-2][0-9]:[0-5][0-9]'),
    quiet_until TEXT CHECK (quiet_until GLOB '[0-2][0-9]:[0-5][0-9]' AND quiet_until <> quiet_start),
    daily       TEXT CHECK (daily GLOB '[0-2][0-9]:[0-5][0-9]'),
    CHECK ((quiet_start IS NULL) = (quiet_until IS NULL))
) STRICT, WITHOUT ROWID;

-- Until when somebody has seen what there is to see in the portal.
CREATE TABLE inbox_marks (
    person TEXT PRIMARY KEY REFERENCES people (subject),
    seen   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Addresses of own calendars; the token itself is nowhere, `digest` is its SHA-256.
CREATE TABLE calendar_feeds (
    id     INTEGER PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (subject),
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    made   TEXT NOT NULL,
    used   TEXT,
    ended  TEXT
) STRICT;

CREATE UNIQUE INDEX calendar_feeds_one_each ON calendar_feeds (person) WHERE ended IS NULL;

-- One row: when reminders were derived last, and by which rules.
CREATE TABLE reminder_clock (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    ticked TEXT,
    rules  TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO reminder_clock (id) VALUES (1);

-- Whatever decides about reminders marks the plans that it concerns, so that no writer can forget it.
CREATE TRIGGER contracts_come_with_a_plan AFTER INSERT ON contracts WHEN NEW.state = 'sent'
BEGIN
    INSERT INTO reminder_plans (contract, occasion, next_due) VALUES (NEW.id, 'signing', '')
    ON CONFLICT DO UPDATE SET next_due = '';
END;
CREATE TRIGGER contracts_change_their_plans AFTER UPDATE OF state, deadline, zone, version ON contracts
WHEN NEW.state NOT IN ('draft', 'discarded')
BEGIN
    INSERT INTO reminder_plans (contract, occasion, next_due) SELECT NEW.id, 'signing', '' WHERE NEW.state = 'sent'
    ON CONFLICT DO NOTHING;
    UPDATE reminder_plans SET next_due = '' WHERE contract = NEW.id;
END;
CREATE TRIGGER contract_dates_make_a_plan AFTER INSERT ON contract_dates
BEGIN
    INSERT INTO reminder_plans (contract, occasion, next_due) VALUES (NEW.contract, NEW.kind, '')
    ON CONFLICT DO UPDATE SET next_due = '';
END;
CREATE TRIGGER contract_dates_move_their_plan AFTER UPDATE ON contract_dates
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE contract = NEW.contract AND occasion = NEW.kind;
END;
CREATE TRIGGER contract_dates_end_their_plan AFTER DELETE ON contract_dates
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE contract = OLD.contract AND occasion = OLD.kind;
END;
CREATE TRIGGER seal_requests_make_a_plan AFTER INSERT ON seal_requests
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE contract = NEW.contract AND occasion = 'signing';
END;
CREATE TRIGGER seal_requests_change_their_plan AFTER UPDATE OF state ON seal_requests
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE contract = NEW.contract AND occasion = 'signing';
END;
CREATE TRIGGER custodians_come_into_plans AFTER INSERT ON custodians
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE occasion = 'signing' AND contract IN (
        SELECT contract FROM seal_requests WHERE state = 'waiting' AND seal = NEW.seal
    );
END;
CREATE TRIGGER custodians_leave_plans AFTER DELETE ON custodians
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE occasion = 'signing' AND contract IN (
        SELECT contract FROM seal_requests WHERE state = 'waiting' AND seal = OLD.seal
    );
END;
CREATE TRIGGER accounts_change_their_plans AFTER UPDATE OF state ON accounts WHEN NEW.state <> OLD.state
BEGIN
    INSERT INTO reminder_touched (person) VALUES (NEW.subject) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER people_change_their_plans AFTER UPDATE OF zone ON people WHEN NEW.zone <> OLD.zone
BEGIN
    INSERT INTO reminder_touched (person) VALUES (NEW.subject) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER reminder_wishes_change_plans AFTER INSERT ON reminder_wishes
BEGIN
    INSERT INTO reminder_touched (person) VALUES (NEW.person) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER reminder_wishes_changed_change_plans AFTER UPDATE ON reminder_wishes
BEGIN
    INSERT INTO reminder_touched (person) VALUES (NEW.person) ON CONFLICT DO NOTHING;
END;

-- People whose contracts are all to be looked at anew; their plans are marked at the next tick.
CREATE TABLE reminder_touched (
    person TEXT PRIMARY KEY REFERENCES people (subject)
) STRICT, WITHOUT ROWID;
