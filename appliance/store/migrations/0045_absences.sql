-- While somebody is away a deputy of the same organisation is told what waits, and may take it over. One absence for
-- each person: the current one, or the next.
CREATE TABLE absences (
    person TEXT PRIMARY KEY REFERENCES people (subject),
    deputy TEXT NOT NULL REFERENCES people (subject),
    since  TEXT NOT NULL,
    until  TEXT NOT NULL,
    saved  TEXT NOT NULL,
    CHECK (person <> deputy AND since < until)
) STRICT;

CREATE INDEX absences_deputy ON absences (deputy, until);
