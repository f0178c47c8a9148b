-- Requests for a seal, and the invitations of outside signers. No secret is here: links and codes are made from a key.

CREATE TABLE seal_requests (
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
    CHECK ((state = 'waiting') = (decided IS NULL)),
    CHECK (state NOT IN ('approved', 'used', 'refused') OR decided_by IS NOT NULL),
    CHECK (state NOT IN ('refused', 'lapsed') OR answer IS NOT NULL),
    CHECK (decided_by IS NULL OR state = 'withdrawn' OR decided_by <> requester)
) STRICT;

CREATE UNIQUE INDEX seal_requests_one_open ON seal_requests (party) WHERE state IN ('waiting', 'approved');
CREATE INDEX seal_requests_of_party ON seal_requests (party, asked);
CREATE INDEX seal_requests_of_seal ON seal_requests (seal, state, asked);

CREATE TRIGGER seal_requests_end_once BEFORE UPDATE ON seal_requests
WHEN OLD.state IN ('used', 'refused', 'withdrawn', 'lapsed')
BEGIN SELECT RAISE(ABORT, 'a closed request never changes'); END;

CREATE TABLE guest_invitations (
    id         TEXT PRIMARY KEY CHECK (length(id) = 32),
    person     TEXT NOT NULL REFERENCES people (subject) CHECK (person LIKE 'person-guest-%'),
    contract   TEXT NOT NULL REFERENCES contracts (id),
    party      TEXT NOT NULL REFERENCES parties (id),
    invited_by TEXT NOT NULL REFERENCES people (subject),
    invited    TEXT NOT NULL,
    round      INTEGER NOT NULL DEFAULT 0 CHECK (round >= 0),
    tries      INTEGER NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    opened     TEXT,
    ended      TEXT
) STRICT;

-- One link at a time opens a party; a guest is bound to one party of one contract for good.
CREATE UNIQUE INDEX guest_invitations_one_link ON guest_invitations (party) WHERE ended IS NULL;
CREATE INDEX guest_invitations_of_person ON guest_invitations (person);

CREATE TRIGGER guest_invitations_bound BEFORE INSERT ON guest_invitations
WHEN EXISTS (SELECT 1 FROM guest_invitations WHERE person = NEW.person AND party <> NEW.party)
    OR NOT EXISTS (
        SELECT 1 FROM parties WHERE id = NEW.party AND contract = NEW.contract AND subject = NEW.person
    )
BEGIN SELECT RAISE(ABORT, 'a guest belongs to one party of one contract'); END;
