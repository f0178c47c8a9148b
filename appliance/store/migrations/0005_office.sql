-- What officers decide: enrolment requests and acts that wait.

-- Somebody wants to sign with these credentials. `kinds` stays when the credentials themselves are forgotten.
CREATE TABLE enrolment_requests (
    id         TEXT PRIMARY KEY,
    subject    TEXT NOT NULL REFERENCES people (subject),
    kinds      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'approved', 'refused', 'withdrawn')),
    asked      TEXT NOT NULL,
    decided    TEXT,
    decided_by TEXT,
    reason     TEXT,
    CHECK ((state = 'open') = (decided IS NULL)),
    CHECK ((decided IS NULL) = (decided_by IS NULL)),
    CHECK ((state = 'refused') = (reason IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX enrolment_requests_one_open ON enrolment_requests (subject) WHERE state = 'open';
CREATE INDEX enrolment_requests_of_subject ON enrolment_requests (subject, asked);

CREATE TRIGGER enrolment_requests_are_decided_once BEFORE UPDATE ON enrolment_requests WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'a decided request never changes'); END;

-- Kept while the request is open, as the authority has its own copy afterwards. TOTP secrets are wrapped.
CREATE TABLE proposed_credentials (
    request        TEXT NOT NULL REFERENCES enrolment_requests (id),
    position       INTEGER NOT NULL CHECK (position > 0),
    kind           TEXT NOT NULL CHECK (kind IN ('webauthn', 'pin-totp')),
    credential_id  BLOB,
    public_key     BLOB,
    rp_id          TEXT,
    pin_hash       TEXT,
    wrapped_secret BLOB,
    PRIMARY KEY (request, position),
    CHECK (
        (kind = 'webauthn' AND credential_id IS NOT NULL AND public_key IS NOT NULL AND rp_id IS NOT NULL)
        OR (kind = 'pin-totp' AND pin_hash IS NOT NULL AND wrapped_secret IS NOT NULL)
    )
) STRICT, WITHOUT ROWID;

-- An officer's act as it was shown. `details` are the act's arguments without credentials: those are the request's.
CREATE TABLE office_acts (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (
        kind IN (
            'enrol_person', 'enrol_officer', 'add_credential', 'enrol_seal', 'revoke_credential', 'retire'
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

CREATE INDEX office_acts_open ON office_acts (expires) WHERE state = 'open';
CREATE UNIQUE INDEX office_acts_decide_a_request_once ON office_acts (request) WHERE state = 'done';

CREATE TRIGGER office_acts_end_once BEFORE UPDATE ON office_acts WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'an ended act never changes'); END;

-- Officers who have said yes to an act that still waits for another one of them.
CREATE TABLE office_approvals (
    act     TEXT NOT NULL REFERENCES office_acts (id),
    officer TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (act, officer)
) STRICT, WITHOUT ROWID;

-- The first officer while the authority is asked: what the account is made of when we died after its yes.
CREATE TABLE appointment (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    subject       TEXT NOT NULL,
    login         TEXT NOT NULL,
    name          TEXT NOT NULL,
    organisation  TEXT NOT NULL,
    email         TEXT NOT NULL,
    password      TEXT NOT NULL,
    credential_id BLOB NOT NULL,
    public_key    BLOB NOT NULL,
    sign_count    INTEGER NOT NULL
) STRICT;
