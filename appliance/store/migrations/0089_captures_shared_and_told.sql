-- With whom captures, or all captures of a plan, are shared: colleagues of their owner, who read them.
CREATE TABLE capture_readers (
    capture  TEXT REFERENCES captures (id),
    schedule TEXT REFERENCES capture_schedules (id),
    person   TEXT NOT NULL REFERENCES people (subject),
    at       TEXT NOT NULL,
    CHECK ((capture IS NULL) <> (schedule IS NULL))
) STRICT;
CREATE UNIQUE INDEX capture_readers_of_capture ON capture_readers (capture, person) WHERE capture IS NOT NULL;
CREATE UNIQUE INDEX capture_readers_of_schedule ON capture_readers (schedule, person) WHERE schedule IS NOT NULL;
CREATE INDEX capture_readers_by_person ON capture_readers (person);

-- The log's entries about captures that an API client ordered, of which its events are made.
CREATE TABLE capture_events (
    client  TEXT NOT NULL,
    entry   INTEGER NOT NULL REFERENCES ledger (number),
    capture TEXT NOT NULL REFERENCES captures (id),
    PRIMARY KEY (client, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX capture_events_by_entry ON capture_events (entry);
INSERT INTO capture_events (client, entry, capture)
SELECT client, entry, id FROM captures WHERE client IS NOT NULL AND entry IS NOT NULL;

-- Who has declared what a program hands in, and on which day the program's house obtained that.
ALTER TABLE deposits ADD COLUMN declarer TEXT REFERENCES people (subject);
ALTER TABLE deposits ADD COLUMN obtained TEXT CHECK ((obtained IS NULL) = (declarer IS NULL));
CREATE INDEX deposits_by_entry ON deposits (entry);
