-- Where policy asks for a review in several steps: who of which department has approved the document, before the last
-- one signs the check off.
CREATE TABLE review_approvals (
    request    TEXT NOT NULL REFERENCES review_requests (id),
    department TEXT NOT NULL,
    by         TEXT NOT NULL REFERENCES people (subject),
    at         TEXT NOT NULL,
    PRIMARY KEY (request, department),
    UNIQUE (request, by)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER review_approvals_by_reviewers BEFORE INSERT ON review_approvals
WHEN NEW.by = (SELECT c.initiator FROM contracts c JOIN review_requests r ON r.contract = c.id WHERE r.id = NEW.request)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
BEGIN SELECT RAISE(ABORT, 'only a reviewer who is not the initiator approves a step of a review'); END;
