-- The organisation's own numbers of contracts, departments, and what the contract ledger sorts by.

ALTER TABLE people ADD COLUMN department TEXT NOT NULL DEFAULT '';

-- `number_owner`: whose number it is (the organisation by its key); `number_key`: by what numbers are compared.
ALTER TABLE contracts ADD COLUMN contract_number TEXT NOT NULL DEFAULT '';
ALTER TABLE contracts ADD COLUMN number_key TEXT;
ALTER TABLE contracts ADD COLUMN number_owner TEXT;
ALTER TABLE contracts ADD COLUMN number_entered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contracts ADD COLUMN department TEXT NOT NULL DEFAULT '';
ALTER TABLE contracts ADD COLUMN sent TEXT NOT NULL DEFAULT '';
ALTER TABLE contracts ADD COLUMN completed TEXT NOT NULL DEFAULT '';
-- In whole units, so that amounts of all currencies compare; decimals by ISO 4217. None: before every amount.
ALTER TABLE contracts ADD COLUMN worth REAL NOT NULL GENERATED ALWAYS AS (
    CASE WHEN amount IS NULL THEN -1.0
         WHEN currency IN ('JPY', 'KRW', 'VND', 'CLP') THEN amount * 1.0
         WHEN currency IN ('KWD', 'BHD') THEN amount / 1000.0
         ELSE amount / 100.0 END
) VIRTUAL;

UPDATE contracts SET
    sent = coalesce((SELECT at FROM revisions WHERE contract = contracts.id AND kind = 'fields'), ''),
    completed = coalesce((SELECT min(at) FROM revisions WHERE contract = contracts.id AND kind = 'archive'), '');

CREATE UNIQUE INDEX contracts_one_number ON contracts (number_owner, number_key)
    WHERE number_key IS NOT NULL AND state <> 'discarded';
CREATE TRIGGER contract_numbers_stay BEFORE UPDATE OF contract_number, number_key, number_owner ON contracts
WHEN OLD.state <> 'draft'
BEGIN SELECT RAISE(ABORT, 'a contract that was sent keeps its number'); END;

-- The last number given, for each counter of an organisation (its pattern, and what it counts in).
CREATE TABLE number_counters (
    organisation TEXT NOT NULL,
    scope        TEXT NOT NULL,
    last         INTEGER NOT NULL CHECK (last > 0),
    PRIMARY KEY (organisation, scope)
) STRICT, WITHOUT ROWID;

-- The orders of the contract ledger.
CREATE INDEX contracts_by_number ON contracts (contract_number, number);
CREATE INDEX contracts_by_worth ON contracts (worth, number);
CREATE INDEX contracts_by_sent ON contracts (sent, number);
CREATE INDEX contracts_by_completed ON contracts (completed, number);
CREATE INDEX contracts_by_deadline ON contracts (deadline, number);
CREATE INDEX contract_dates_by_day ON contract_dates (day, contract);
