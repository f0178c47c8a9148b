-- The agreement on electronic signing holds between sides: for whom somebody accepted it, and towards whom. Texts are
-- kept as they were accepted, because the enterprise's own may change. Acceptances of the first text have no side.

DROP INDEX agreements_accepted_once;

ALTER TABLE agreements ADD COLUMN side TEXT NOT NULL DEFAULT '';

CREATE TABLE agreement_others (
    agreement TEXT NOT NULL REFERENCES agreements (id) ON DELETE CASCADE,
    side      TEXT NOT NULL,
    PRIMARY KEY (agreement, side)
) STRICT, WITHOUT ROWID;

CREATE INDEX agreements_of_side ON agreements (side, version, entry) WHERE accepted IS NOT NULL;
CREATE INDEX agreements_of_person ON agreements (person, version) WHERE accepted IS NOT NULL;
CREATE UNIQUE INDEX agreements_by_entry ON agreements (entry) WHERE entry IS NOT NULL;

CREATE TABLE agreement_texts (
    version  TEXT NOT NULL,
    language TEXT NOT NULL CHECK (language IN ('zh', 'en')),
    words    TEXT NOT NULL,
    PRIMARY KEY (version, language)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER agreement_texts_stay BEFORE UPDATE ON agreement_texts
BEGIN SELECT RAISE(ABORT, 'texts that were agreed to stay as they are'); END;

CREATE TRIGGER agreement_texts_are_kept BEFORE DELETE ON agreement_texts
BEGIN SELECT RAISE(ABORT, 'texts that were agreed to are kept'); END;
