-- A contract that is disposed of loses the number that somebody entered: its key becomes a digest, so that nobody gets it
-- again. Numbers from counters stay.
DROP TRIGGER contract_numbers_stay;
CREATE TRIGGER contract_numbers_stay BEFORE UPDATE OF contract_number, number_key, number_owner ON contracts
WHEN OLD.state <> 'draft'
    AND NOT (OLD.number_entered = 1 AND NEW.contract_number = '—' AND NEW.number_owner IS OLD.number_owner)
BEGIN SELECT RAISE(ABORT, 'a contract that was sent keeps its number'); END;
