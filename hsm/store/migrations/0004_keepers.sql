-- Who keeps a part of the token's PIN: two of them unlock. Among the subjects a keeper is a service, which may do
-- nothing: whoever does not look here takes a keeper for less than it is, and never for more.
CREATE TABLE keepers (
    subject TEXT PRIMARY KEY REFERENCES subjects (subject)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER keepers_stay BEFORE UPDATE ON keepers
BEGIN SELECT RAISE (ABORT, 'keepers are never changed'); END;
CREATE TRIGGER keepers_remain BEFORE DELETE ON keepers
BEGIN SELECT RAISE (ABORT, 'keepers are never deleted'); END;

CREATE TRIGGER ceremonies_stay BEFORE UPDATE ON ceremonies
BEGIN SELECT RAISE (ABORT, 'ceremonies are never changed'); END;
CREATE TRIGGER ceremonies_remain BEFORE DELETE ON ceremonies
BEGIN SELECT RAISE (ABORT, 'ceremonies are never deleted'); END;
