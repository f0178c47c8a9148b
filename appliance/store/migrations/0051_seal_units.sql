-- Whose department's or branch's seal it is; empty for every other kind. Each of them numbers its own.
ALTER TABLE seals ADD COLUMN unit TEXT NOT NULL DEFAULT '';
DROP INDEX seals_by_number;
CREATE UNIQUE INDEX seals_by_number ON seals (organisation, kind, unit, number);
