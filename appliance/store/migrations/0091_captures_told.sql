-- When each officer was last told that captures await a decision, and of those that had ended before which moment.
CREATE TABLE captures_told (
    person TEXT PRIMARY KEY REFERENCES people (subject),
    at     TEXT NOT NULL,
    until  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO captures_told (person, at, until)
SELECT recipient, max(due), about FROM outbox WHERE kind = 'captures-due' GROUP BY recipient;
