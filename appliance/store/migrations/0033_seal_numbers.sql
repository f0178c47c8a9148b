-- Seals of one organisation and kind are numbered in the order in which they were made, and so told apart by people.
ALTER TABLE seals ADD COLUMN number INTEGER NOT NULL DEFAULT 1 CHECK (number >= 1);

DROP TRIGGER seals_end_once;

UPDATE seals SET number = (
    SELECT count(*) FROM seals AS earlier
    WHERE earlier.organisation = seals.organisation AND earlier.kind = seals.kind AND earlier.rowid <= seals.rowid
);

CREATE TRIGGER seals_end_once BEFORE UPDATE ON seals WHEN OLD.destroyed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a destroyed seal never changes'); END;

CREATE UNIQUE INDEX seals_by_number ON seals (organisation, kind, number);
