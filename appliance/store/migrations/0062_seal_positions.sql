-- Where a seal is put on documents (JSON, a list of positions that hold together; none: anywhere).
ALTER TABLE seal_rules ADD COLUMN positions TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(positions));
