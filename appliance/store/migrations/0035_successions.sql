-- A contract that was declined, recalled or expired is corrected in a new one, which replaces it.
CREATE TABLE successions (
    contract TEXT PRIMARY KEY REFERENCES contracts (id),
    replaces TEXT NOT NULL REFERENCES contracts (id) CHECK (replaces <> contract)
) STRICT, WITHOUT ROWID;

CREATE INDEX successions_of_replaced ON successions (replaces);

-- A guest is bound to one party of one contract, and of those that replace it, with a link to one of them at a time.
DROP TRIGGER guest_invitations_bound;
CREATE TRIGGER guest_invitations_bound BEFORE INSERT ON guest_invitations
WHEN EXISTS (
        SELECT 1 FROM guest_invitations AS other
        WHERE other.person = NEW.person AND other.party <> NEW.party
            AND (other.ended IS NULL OR NOT EXISTS (SELECT 1 FROM successions WHERE contract = NEW.contract))
    )
    OR NOT EXISTS (
        SELECT 1 FROM parties WHERE id = NEW.party AND contract = NEW.contract AND subject = NEW.person
    )
BEGIN SELECT RAISE(ABORT, 'a guest belongs to one party of one contract'); END;

CREATE INDEX parties_of_subject ON parties (subject);
