-- How many officers a decision takes at least, as the ceremony's file says. Ceremonies of earlier releases left nothing here:
-- the setting alone counts then.
CREATE TABLE officers_required (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    officers INTEGER NOT NULL CHECK (officers BETWEEN 1 AND 4)
) STRICT;
CREATE TRIGGER officers_required_stays BEFORE UPDATE ON officers_required
BEGIN SELECT RAISE (ABORT, 'a ceremony says once how many officers it takes'); END;
CREATE TRIGGER officers_required_remains BEFORE DELETE ON officers_required
BEGIN SELECT RAISE (ABORT, 'a ceremony says once how many officers it takes'); END;
