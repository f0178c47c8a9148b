-- For whom from outside somebody of the house has vouched, for one contract alone. The newest row of a subject counts; the
-- ones before it were replaced before their code was used. `code` is its SHA-256; `intent` is what was activated, whole.
CREATE TABLE vouchings (
    number INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    contract TEXT NOT NULL,
    party TEXT NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    title TEXT NOT NULL,
    intent TEXT NOT NULL,
    challenge BLOB NOT NULL CHECK (length(challenge) = 32),
    vouched_by TEXT NOT NULL REFERENCES subjects (subject),
    vouched INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    code BLOB NOT NULL CHECK (length(code) = 32),
    tries INTEGER NOT NULL DEFAULT 0,
    registered INTEGER,
    signed INTEGER,
    ended INTEGER,
    statement BLOB,
    cms BLOB,
    CHECK ((registered IS NULL) = (statement IS NULL)),
    CHECK ((registered IS NULL) = (cms IS NULL))
) STRICT;
CREATE INDEX vouchings_of_subject ON vouchings (subject, number);
CREATE INDEX vouchings_by_person ON vouchings (vouched_by, vouched);
CREATE UNIQUE INDEX vouchings_registered_once ON vouchings (subject) WHERE registered IS NOT NULL;
CREATE TRIGGER vouchings_stay BEFORE UPDATE ON vouchings
WHEN (NEW.number, NEW.subject, NEW.contract, NEW.party, NEW.name, NEW.organisation, NEW.title, NEW.intent, NEW.challenge,
        NEW.vouched_by, NEW.vouched, NEW.expires, NEW.code)
    IS NOT (OLD.number, OLD.subject, OLD.contract, OLD.party, OLD.name, OLD.organisation, OLD.title, OLD.intent, OLD.challenge,
        OLD.vouched_by, OLD.vouched, OLD.expires, OLD.code)
    OR (OLD.registered IS NOT NULL
        AND (NEW.registered, NEW.statement, NEW.cms) IS NOT (OLD.registered, OLD.statement, OLD.cms))
    OR (OLD.ended IS NOT NULL AND NEW.ended IS NOT OLD.ended)
BEGIN SELECT RAISE (ABORT, 'for whom somebody has vouched is never changed'); END;
CREATE TRIGGER vouchings_remain BEFORE DELETE ON vouchings
BEGIN SELECT RAISE (ABORT, 'vouchings are never deleted'); END;
