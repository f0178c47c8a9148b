-- Who is from outside: signs for themselves, and has no power over a seal or anything else of the house. Names that
-- begin so were given to outside signers alone, by every release that there was.
CREATE TABLE outside_signers (
    subject TEXT PRIMARY KEY REFERENCES subjects (subject)
) STRICT, WITHOUT ROWID;
INSERT INTO outside_signers (subject)
SELECT subject FROM subjects WHERE kind = 'person' AND subject LIKE 'person-guest-%';
CREATE TRIGGER outside_signers_stay BEFORE UPDATE ON outside_signers
BEGIN SELECT RAISE (ABORT, 'outside signers are never changed'); END;
CREATE TRIGGER outside_signers_remain BEFORE DELETE ON outside_signers
BEGIN SELECT RAISE (ABORT, 'outside signers are never deleted'); END;
