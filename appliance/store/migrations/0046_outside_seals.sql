-- Seals of other companies: outside signers keep them, and people of the house keep those of the house.
DROP TRIGGER custodians_come_into_plans;
DROP TRIGGER custodians_leave_plans;
CREATE TABLE custodians_now (
    seal   TEXT NOT NULL REFERENCES seals (subject),
    person TEXT NOT NULL REFERENCES people (subject) CHECK (person LIKE 'person-%'),
    PRIMARY KEY (seal, person),
    CHECK ((seal LIKE 'seal-guest-%') = (person LIKE 'person-guest-%'))
) STRICT, WITHOUT ROWID;
INSERT INTO custodians_now (seal, person) SELECT seal, person FROM custodians;
DROP TABLE custodians;
ALTER TABLE custodians_now RENAME TO custodians;

-- Who keeps another company's seal and asks for it counts as a custodian; of the house's seals nobody approves their own
-- request. The register counts rows by their ids, which stay.
DROP TRIGGER seal_approvals_by_others;
CREATE TABLE seal_requests_now (
    id         TEXT PRIMARY KEY,
    contract   TEXT NOT NULL REFERENCES contracts (id),
    party      TEXT NOT NULL REFERENCES parties (id),
    seal       TEXT NOT NULL REFERENCES seals (subject),
    requester  TEXT NOT NULL REFERENCES people (subject),
    reason     TEXT NOT NULL CHECK (reason <> ''),
    intent     TEXT NOT NULL UNIQUE REFERENCES intents (id),
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'used', 'refused', 'withdrawn', 'lapsed')),
    asked      TEXT NOT NULL,
    expires    TEXT NOT NULL,
    decided    TEXT,
    decided_by TEXT,
    answer     TEXT,
    needed     INTEGER NOT NULL DEFAULT 1 CHECK (needed IN (1, 2)),
    CHECK ((state = 'waiting') = (decided IS NULL)),
    CHECK (state NOT IN ('approved', 'used', 'refused') OR decided_by IS NOT NULL),
    CHECK (state NOT IN ('refused', 'lapsed') OR answer IS NOT NULL),
    CHECK (decided_by IS NULL OR state = 'withdrawn' OR decided_by <> requester OR seal LIKE 'seal-guest-%')
) STRICT;
INSERT INTO seal_requests_now (rowid, id, contract, party, seal, requester, reason, intent, state, asked, expires, decided,
        decided_by, answer, needed)
    SELECT rowid, id, contract, party, seal, requester, reason, intent, state, asked, expires, decided, decided_by, answer,
        needed FROM seal_requests;
DROP TABLE seal_requests;
ALTER TABLE seal_requests_now RENAME TO seal_requests;
CREATE UNIQUE INDEX seal_requests_one_open ON seal_requests (party) WHERE state IN ('waiting', 'approved');
CREATE INDEX seal_requests_of_party ON seal_requests (party, asked);
CREATE INDEX seal_requests_of_seal ON seal_requests (seal, state, asked);
CREATE INDEX seal_requests_of_requester ON seal_requests (requester, asked);
CREATE INDEX seal_requests_of_seal_asked ON seal_requests (seal, asked);
CREATE TRIGGER seal_requests_end_once BEFORE UPDATE ON seal_requests
WHEN OLD.state IN ('used', 'refused', 'withdrawn', 'lapsed')
BEGIN SELECT RAISE(ABORT, 'a closed request never changes'); END;
CREATE TRIGGER seal_requests_make_a_plan AFTER INSERT ON seal_requests
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE contract = NEW.contract AND occasion = 'signing';
END;
CREATE TRIGGER seal_requests_change_their_plan AFTER UPDATE OF state ON seal_requests
BEGIN
    UPDATE reminder_plans SET next_due = '' WHERE contract = NEW.contract AND occasion = 'signing';
END;
CREATE TRIGGER seal_approvals_by_others BEFORE INSERT ON seal_approvals
WHEN EXISTS (SELECT 1 FROM seal_requests
             WHERE id = NEW.request AND requester = NEW.custodian AND seal NOT LIKE 'seal-guest-%')
BEGIN SELECT RAISE(ABORT, 'nobody approves their own request'); END;

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
