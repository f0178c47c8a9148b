-- What a seal may be used for: contracts of these types (JSON, a list; none: every one), up to this amount.
CREATE TABLE seal_rules (
    seal     TEXT PRIMARY KEY REFERENCES seals (subject),
    kinds    TEXT NOT NULL CHECK (json_valid(kinds)),
    amount   INTEGER CHECK (amount >= 0),
    currency TEXT,
    CHECK ((amount IS NULL) = (currency IS NULL))
) STRICT;

-- Where a chop is on file (印章备案). What was entered stays; the newest counts.
CREATE TABLE seal_filings (
    id         INTEGER PRIMARY KEY,
    seal       TEXT NOT NULL REFERENCES seals (subject),
    authority  TEXT NOT NULL CHECK (authority <> ''),
    number     TEXT NOT NULL CHECK (number <> ''),
    day        TEXT NOT NULL,
    entered    TEXT NOT NULL,
    entered_by TEXT NOT NULL REFERENCES people (subject)
) STRICT;
CREATE INDEX seal_filings_of ON seal_filings (seal, entered);
CREATE TRIGGER seal_filings_stay BEFORE UPDATE ON seal_filings
BEGIN SELECT RAISE(ABORT, 'what was entered of a seal is never changed'); END;
CREATE TRIGGER seal_filings_are_kept BEFORE DELETE ON seal_filings
BEGIN SELECT RAISE(ABORT, 'what was entered of a seal is never deleted'); END;
