-- Remote signing (decision 77). Officers give a person a key for it.
CREATE TABLE office_acts_now (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (
        kind IN (
            'enrol_person', 'enrol_officer', 'add_credential', 'enrol_seal', 'revoke_credential', 'retire',
            'resume_seal', 'add_custodian', 'remove_custodian', 'set_custodians_needed', 'change_picture',
            'destroy_seal', 'rotate', 'revoke_certificate', 'enrol_keeper', 'confirm_power', 'approve_anchor',
            'add_remote_key'
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

-- What other software asks a person to sign. What it handed in, and the signatures, stay until the request is over.
CREATE TABLE remote_requests (
    id          TEXT PRIMARY KEY,
    client      TEXT NOT NULL,
    client_name TEXT NOT NULL,
    person      TEXT NOT NULL REFERENCES people (subject),
    use         TEXT NOT NULL CHECK (use IN ('document', 'hash')),
    documents   TEXT NOT NULL,
    nonce       BLOB NOT NULL UNIQUE CHECK (length(nonce) = 16),
    asked       TEXT NOT NULL,
    expires     TEXT NOT NULL,
    secret      TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL CHECK (state IN ('open', 'signing', 'signed', 'refused', 'expired', 'failed')),
    ended       TEXT,
    content     BLOB,
    signatures  TEXT,
    CHECK ((state IN ('open', 'signing')) = (ended IS NULL)),
    CHECK (signatures IS NULL OR state = 'signed')
) STRICT;
CREATE INDEX remote_requests_of_person ON remote_requests (person, client, asked);
CREATE INDEX remote_requests_by_age ON remote_requests (asked);
CREATE INDEX remote_requests_under_way ON remote_requests (expires) WHERE state IN ('open', 'signing');
CREATE INDEX remote_requests_kept ON remote_requests (expires)
    WHERE content IS NOT NULL OR signatures IS NOT NULL;

-- Whom a person lets ask no more.
CREATE TABLE remote_blocks (
    person TEXT NOT NULL REFERENCES people (subject),
    client TEXT NOT NULL,
    name   TEXT NOT NULL,
    since  TEXT NOT NULL,
    PRIMARY KEY (person, client)
) STRICT, WITHOUT ROWID;
