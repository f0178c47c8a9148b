-- What a contract is worth, where it names an amount: in the smallest unit of an ISO 4217 currency.

ALTER TABLE contracts ADD COLUMN amount INTEGER CHECK (amount >= 0);
ALTER TABLE contracts ADD COLUMN currency TEXT CHECK ((currency IS NULL) = (amount IS NULL));
