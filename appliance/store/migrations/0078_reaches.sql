-- What clients of the API list and follow is found by the organisation of who initiates a contract, however many
-- contracts others have. Both columns say what `people` says; triggers keep them so.
ALTER TABLE contracts ADD COLUMN organisation TEXT;
ALTER TABLE contract_events ADD COLUMN organisation TEXT;

UPDATE contracts SET organisation = (SELECT organisation FROM people WHERE subject = initiator);
UPDATE contract_events SET organisation = (SELECT organisation FROM contracts WHERE id = contract);

CREATE INDEX contracts_of_organisation ON contracts (organisation, number);
CREATE INDEX contracts_of_kind ON contracts (organisation, kind, number);
CREATE INDEX contracts_changed_organisation ON contracts (organisation, touched, number);
CREATE INDEX contracts_changed_kind ON contracts (organisation, kind, touched, number);
DROP INDEX contracts_not_over;
CREATE INDEX contracts_not_over_organisation ON contracts (organisation, number)
    WHERE state IN ('draft', 'sent', 'signed');
CREATE INDEX contracts_not_over_kind ON contracts (organisation, kind, number)
    WHERE state IN ('draft', 'sent', 'signed');
CREATE INDEX contract_events_of_organisation ON contract_events (organisation, entry) WHERE organisation IS NOT NULL;

CREATE TRIGGER contracts_are_of_their_initiator AFTER INSERT ON contracts
BEGIN
    UPDATE contracts SET organisation = (SELECT organisation FROM people WHERE subject = NEW.initiator)
    WHERE number = NEW.number;
END;
CREATE TRIGGER contracts_follow_their_initiator AFTER UPDATE OF initiator ON contracts
BEGIN
    UPDATE contracts SET organisation = (SELECT organisation FROM people WHERE subject = NEW.initiator)
    WHERE number = NEW.number;
END;
CREATE TRIGGER contracts_follow_their_organisation AFTER UPDATE OF organisation ON people
WHEN NEW.organisation <> OLD.organisation
BEGIN
    UPDATE contracts SET organisation = NEW.organisation
    WHERE organisation = OLD.organisation AND initiator = NEW.subject;
END;
CREATE TRIGGER contract_events_follow_their_contract AFTER UPDATE OF organisation ON contracts
WHEN NEW.organisation IS NOT OLD.organisation
BEGIN
    UPDATE contract_events SET organisation = NEW.organisation WHERE contract = NEW.id;
END;
CREATE TRIGGER contract_events_are_of_their_contract AFTER INSERT ON contract_events
BEGIN
    UPDATE contract_events SET organisation = (SELECT organisation FROM contracts WHERE id = NEW.contract)
    WHERE contract = NEW.contract AND entry = NEW.entry;
END;
