-- Signature pictures and seal pictures.

-- How a person's signature may look: drawn, or taken from an image. Never changed; signatures made with one carry it.
CREATE TABLE signature_pictures (
    id      TEXT PRIMARY KEY CHECK (length(id) = 24),
    person  TEXT NOT NULL REFERENCES people (subject),
    kind    TEXT NOT NULL CHECK (kind IN ('drawn', 'image')),
    picture BLOB NOT NULL CHECK (length(picture) BETWEEN 1 AND 524288),
    made    TEXT NOT NULL
) STRICT;

CREATE INDEX signature_pictures_of_person ON signature_pictures (person, made);

CREATE TRIGGER signature_pictures_are_kept BEFORE UPDATE ON signature_pictures
BEGIN SELECT RAISE(ABORT, 'a signature picture is never rewritten'); END;
CREATE TRIGGER signature_pictures_are_few BEFORE INSERT ON signature_pictures
WHEN (SELECT count(*) FROM signature_pictures WHERE person = NEW.person) >= 6
BEGIN SELECT RAISE(ABORT, 'a person keeps at most six signature pictures'); END;

-- The one that the person uses; who has no row signs with the typed name.
CREATE TABLE signature_choices (
    person  TEXT PRIMARY KEY REFERENCES people (subject),
    picture TEXT NOT NULL REFERENCES signature_pictures (id) ON DELETE CASCADE
) STRICT;

CREATE TRIGGER signature_choices_are_ones_own BEFORE INSERT ON signature_choices
WHEN (SELECT person FROM signature_pictures WHERE id = NEW.picture) IS NOT NEW.person
BEGIN SELECT RAISE(ABORT, 'people use their own signature pictures'); END;
