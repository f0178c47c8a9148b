-- What officers were asked for can be withdrawn by whoever asked.
CREATE TABLE office_acts_now (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (
        kind IN (
            'enrol_person', 'enrol_officer', 'add_credential', 'enrol_seal', 'revoke_credential', 'retire',
            'resume_seal', 'add_custodian', 'remove_custodian', 'set_custodians_needed', 'change_picture',
            'destroy_seal', 'rotate', 'revoke_certificate', 'enrol_keeper', 'confirm_power', 'approve_anchor'
        )
    ),
    subject     TEXT NOT NULL,
    details     TEXT NOT NULL,
    notes       TEXT NOT NULL,
    nonce       BLOB NOT NULL UNIQUE CHECK (length(nonce) = 16),
    expires     TEXT NOT NULL,
    prepared    TEXT NOT NULL,
    prepared_by TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'done', 'refused', 'expired', 'withdrawn')),
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
