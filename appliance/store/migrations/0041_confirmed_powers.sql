-- Officers confirm powers of attorney at the authority, whose statements are kept here with a timestamp. Powers that
-- were verified before have none, for ever: `statement` is NULL in their rows, and no such row is added later.

CREATE TABLE power_confirmations (
    power     TEXT PRIMARY KEY REFERENCES powers (id),
    digest    TEXT CHECK (length(digest) = 64),
    statement BLOB,
    cms       BLOB,
    CHECK ((statement IS NULL) = (digest IS NULL) AND (statement IS NULL) = (cms IS NULL))
) STRICT;

INSERT INTO power_confirmations (power) SELECT id FROM powers WHERE verified IS NOT NULL;

CREATE TRIGGER power_confirmations_have_statements BEFORE INSERT ON power_confirmations WHEN NEW.statement IS NULL
BEGIN SELECT RAISE(ABORT, 'a power is confirmed with the statement of the authority'); END;
CREATE TRIGGER power_confirmations_stay BEFORE UPDATE ON power_confirmations
BEGIN SELECT RAISE(ABORT, 'a confirmation is never changed'); END;
CREATE TRIGGER power_confirmations_are_kept BEFORE DELETE ON power_confirmations
BEGIN SELECT RAISE(ABORT, 'a confirmation is never deleted'); END;

CREATE TRIGGER powers_are_confirmed BEFORE UPDATE ON powers
WHEN OLD.verified IS NULL AND NEW.verified IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM power_confirmations WHERE power = NEW.id)
BEGIN SELECT RAISE(ABORT, 'officers confirm a power at the authority'); END;

CREATE TABLE office_acts_now (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (
        kind IN (
            'enrol_person', 'enrol_officer', 'add_credential', 'enrol_seal', 'revoke_credential', 'retire',
            'resume_seal', 'add_custodian', 'remove_custodian', 'set_custodians_needed', 'change_picture',
            'destroy_seal', 'rotate', 'revoke_certificate', 'enrol_keeper', 'confirm_power'
        )
    ),
    subject     TEXT NOT NULL,
    details     TEXT NOT NULL,
    notes       TEXT NOT NULL,
    nonce       BLOB NOT NULL UNIQUE CHECK (length(nonce) = 16),
    expires     TEXT NOT NULL,
    prepared    TEXT NOT NULL,
    prepared_by TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'done', 'refused', 'expired')),
    request     TEXT REFERENCES enrolment_requests (id),
    ended       TEXT,
    ended_by    TEXT,
    reason      TEXT,
    CHECK ((kind IN ('enrol_person', 'enrol_officer', 'add_credential')) = (request IS NOT NULL)),
    CHECK ((state = 'open') = (ended IS NULL)),
    CHECK ((state = 'refused') = (reason IS NOT NULL))
) STRICT;

INSERT INTO office_acts_now SELECT * FROM office_acts;
DROP TABLE office_acts;
ALTER TABLE office_acts_now RENAME TO office_acts;

CREATE INDEX office_acts_open ON office_acts (expires) WHERE state = 'open';
CREATE UNIQUE INDEX office_acts_decide_a_request_once ON office_acts (request) WHERE state = 'done';
CREATE INDEX office_acts_of_subject ON office_acts (subject, prepared);

CREATE TRIGGER office_acts_end_once BEFORE UPDATE ON office_acts WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'an ended act never changes'); END;
