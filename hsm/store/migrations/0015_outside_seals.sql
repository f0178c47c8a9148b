-- Seals of other companies: outside signers of that company keep and release them. No release before this one made any,
-- so a seal whose name happens to begin so stays one of the house.
CREATE TABLE outside_seals (
    subject TEXT PRIMARY KEY REFERENCES subjects (subject)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER outside_seals_stay BEFORE UPDATE ON outside_seals
BEGIN SELECT RAISE (ABORT, 'seals of other companies are never changed'); END;
CREATE TRIGGER outside_seals_remain BEFORE DELETE ON outside_seals
BEGIN SELECT RAISE (ABORT, 'seals of other companies are never deleted'); END;
