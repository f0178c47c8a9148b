-- Certification authorities that officers have approved for the outside signers of one organisation (for somebody who
-- signs for none, the name). `statement` is the authority's, `cms` its signature with a timestamp; NULL until then.
CREATE TABLE signer_anchors (
    id            TEXT PRIMARY KEY CHECK (id LIKE 'anchor-%'),
    organisation  TEXT NOT NULL,
    certificate   BLOB NOT NULL,
    digest        TEXT NOT NULL CHECK (length(digest) = 64),
    reason        TEXT NOT NULL,
    registered_by TEXT NOT NULL,
    registered    TEXT NOT NULL,
    statement     BLOB,
    cms           BLOB,
    approved      TEXT,
    entry         INTEGER,
    ended         TEXT,
    ended_by      TEXT,
    ended_reason  TEXT,
    CHECK ((statement IS NULL) = (cms IS NULL) AND (statement IS NULL) = (approved IS NULL)),
    CHECK ((statement IS NULL) = (entry IS NULL)),
    CHECK ((ended IS NULL) = (ended_by IS NULL) AND (ended IS NULL) = (ended_reason IS NULL))
) STRICT;
CREATE INDEX signer_anchors_of_organisation ON signer_anchors (organisation);
CREATE TRIGGER signer_anchors_stay BEFORE UPDATE OF organisation, certificate, digest ON signer_anchors
BEGIN SELECT RAISE(ABORT, 'an anchor is never changed'); END;
CREATE TRIGGER signer_anchors_are_approved_once BEFORE UPDATE OF statement ON signer_anchors
WHEN OLD.statement IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an anchor is approved once'); END;
CREATE TRIGGER signer_anchors_are_kept BEFORE DELETE ON signer_anchors
BEGIN SELECT RAISE(ABORT, 'an anchor is never deleted'); END;

-- What is known of a signature that was made elsewhere, besides its intent: the anchor to which it leads, the whole
-- name in its certificate, where its signed bytes end in the document, a timestamp token over its value, and the
-- revocation lists (JSON, hex) that came with it.
CREATE TABLE own_signatures (
    party    TEXT PRIMARY KEY REFERENCES parties (id),
    contract TEXT NOT NULL REFERENCES contracts (id),
    anchor   TEXT NOT NULL REFERENCES signer_anchors (id),
    name     TEXT NOT NULL,
    ends     INTEGER NOT NULL CHECK (ends > 0),
    token    BLOB NOT NULL,
    crls     TEXT NOT NULL
) STRICT;
CREATE INDEX own_signatures_of_contract ON own_signatures (contract);

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
