-- The content check: results by document and rules, requests for a review, waivers with reasons, sign-offs.
-- Nothing of it is rewritten; another document or other rules make a new row.
CREATE TABLE content_checks (
    contract TEXT NOT NULL REFERENCES contracts (id),
    document TEXT NOT NULL CHECK (length(document) = 64),
    rules    TEXT NOT NULL CHECK (length(rules) = 64),
    record   BLOB NOT NULL,
    digest   TEXT NOT NULL CHECK (length(digest) = 64),
    at       TEXT NOT NULL,
    PRIMARY KEY (contract, document, rules)
) STRICT;

CREATE TRIGGER content_checks_are_kept BEFORE UPDATE ON content_checks
BEGIN SELECT RAISE(ABORT, 'the result of a check is never rewritten'); END;

CREATE TABLE review_requests (
    id         TEXT PRIMARY KEY CHECK (length(id) = 32),
    contract   TEXT NOT NULL REFERENCES contracts (id),
    document   TEXT NOT NULL CHECK (length(document) = 64),
    asked_by   TEXT NOT NULL REFERENCES people (subject),
    asked      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'signed-off', 'returned', 'lapsed')),
    decided    TEXT,
    decided_by TEXT REFERENCES people (subject),
    answer     TEXT,
    CHECK ((state = 'open') = (decided IS NULL))
) STRICT;

CREATE UNIQUE INDEX review_requests_one_open ON review_requests (contract) WHERE state = 'open';
CREATE INDEX review_requests_of ON review_requests (contract, asked);
CREATE INDEX review_requests_queue ON review_requests (asked) WHERE state = 'open';

CREATE TABLE review_waivers (
    contract TEXT NOT NULL REFERENCES contracts (id),
    document TEXT NOT NULL CHECK (length(document) = 64),
    item     TEXT NOT NULL,
    reason   TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    by       TEXT NOT NULL REFERENCES people (subject),
    at       TEXT NOT NULL,
    PRIMARY KEY (contract, document, item)
) STRICT;

CREATE TABLE review_sign_offs (
    contract    TEXT NOT NULL REFERENCES contracts (id),
    document    TEXT NOT NULL CHECK (length(document) = 64),
    check_digest TEXT NOT NULL CHECK (length(check_digest) = 64),
    kind        TEXT NOT NULL,
    by          TEXT NOT NULL REFERENCES people (subject),
    at          TEXT NOT NULL,
    record      BLOB NOT NULL,
    PRIMARY KEY (contract, check_digest, kind)
) STRICT;

-- Whoever answers for a check is a reviewer, and never the one whose contract it is.
CREATE TRIGGER review_waivers_by_reviewers BEFORE INSERT ON review_waivers
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
BEGIN SELECT RAISE(ABORT, 'only a reviewer who is not the initiator waives a finding'); END;

CREATE TRIGGER review_sign_offs_by_reviewers BEFORE INSERT ON review_sign_offs
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
BEGIN SELECT RAISE(ABORT, 'only a reviewer who is not the initiator signs a check off'); END;

CREATE TRIGGER review_sign_offs_are_kept BEFORE UPDATE ON review_sign_offs
BEGIN SELECT RAISE(ABORT, 'a sign-off is never rewritten'); END;
