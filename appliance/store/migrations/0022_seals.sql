-- Seals: how many custodians one takes, pictures that were uploaded, who approved which use, destruction.
ALTER TABLE seals ADD COLUMN needed INTEGER NOT NULL DEFAULT 1 CHECK (needed IN (1, 2));
ALTER TABLE seals ADD COLUMN picture TEXT CHECK (length(picture) = 64);
ALTER TABLE seals ADD COLUMN destroyed TEXT CHECK (destroyed IS NULL OR suspended IS NOT NULL);

CREATE TRIGGER seals_end_once BEFORE UPDATE ON seals WHEN OLD.destroyed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a destroyed seal never changes'); END;

-- Every picture that was ever proposed for a seal, by its SHA-256: a square PNG as wide as the seal is printed.
CREATE TABLE seal_pictures (
    seal       TEXT NOT NULL REFERENCES seals (subject),
    digest     TEXT NOT NULL CHECK (length(digest) = 64),
    png        BLOB NOT NULL,
    offered    TEXT NOT NULL,
    offered_by TEXT NOT NULL,
    PRIMARY KEY (seal, digest)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER seal_pictures_are_kept BEFORE UPDATE ON seal_pictures
BEGIN SELECT RAISE(ABORT, 'a picture is never changed'); END;

ALTER TABLE seal_requests ADD COLUMN needed INTEGER NOT NULL DEFAULT 1 CHECK (needed IN (1, 2));

-- The custodians who said yes to a request, each once and never the one who asks.
CREATE TABLE seal_approvals (
    request   TEXT NOT NULL REFERENCES seal_requests (id),
    custodian TEXT NOT NULL REFERENCES people (subject),
    approved  TEXT NOT NULL,
    PRIMARY KEY (request, custodian)
) STRICT, WITHOUT ROWID;

INSERT INTO seal_approvals (request, custodian, approved)
    SELECT id, decided_by, decided FROM seal_requests WHERE state IN ('approved', 'used') AND decided IS NOT NULL;

CREATE TRIGGER seal_approvals_by_others BEFORE INSERT ON seal_approvals
WHEN NEW.custodian = (SELECT requester FROM seal_requests WHERE id = NEW.request)
BEGIN SELECT RAISE(ABORT, 'nobody approves their own request'); END;
CREATE TRIGGER seal_approvals_are_kept BEFORE UPDATE ON seal_approvals
BEGIN SELECT RAISE(ABORT, 'an approval never changes'); END;

CREATE INDEX seal_requests_of_seal_asked ON seal_requests (seal, asked);

CREATE TABLE office_acts_now (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (
        kind IN (
            'enrol_person', 'enrol_officer', 'add_credential', 'enrol_seal', 'revoke_credential', 'retire',
            'resume_seal', 'add_custodian', 'remove_custodian', 'set_custodians_needed', 'change_picture',
            'destroy_seal'
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
