-- What the authority itself knows of a seal: its kind, how many custodians release it, its picture, its end.
CREATE TABLE seals (
    subject TEXT PRIMARY KEY REFERENCES subjects (subject),
    kind TEXT NOT NULL,
    needed INTEGER NOT NULL CHECK (needed IN (1, 2)),
    picture TEXT CHECK (length(picture) = 64),
    suspended INTEGER,
    destroyed INTEGER,
    CHECK (destroyed IS NULL OR suspended IS NOT NULL)
) STRICT, WITHOUT ROWID;
INSERT INTO seals (subject, kind, needed) SELECT subject, '', 1 FROM subjects WHERE kind = 'seal';
CREATE TRIGGER seals_end_once BEFORE UPDATE ON seals WHEN OLD.destroyed IS NOT NULL
BEGIN SELECT RAISE (ABORT, 'a destroyed seal never changes'); END;
CREATE TRIGGER seals_remain BEFORE DELETE ON seals
BEGIN SELECT RAISE (ABORT, 'seals are never deleted'); END;

-- Keys whose objects were deleted from the token, and looked for afterwards in vain.
CREATE TABLE destroyed_keys (
    label TEXT PRIMARY KEY REFERENCES keys (label),
    destroyed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER destroyed_keys_stay BEFORE UPDATE ON destroyed_keys
BEGIN SELECT RAISE (ABORT, 'what is destroyed stays so'); END;
CREATE TRIGGER destroyed_keys_remain BEFORE DELETE ON destroyed_keys
BEGIN SELECT RAISE (ABORT, 'what is destroyed stays so'); END;
