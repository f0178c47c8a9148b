-- A proposal of which nothing is left to be decided because its author has withdrawn it.
ALTER TABLE text_versions ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1));
