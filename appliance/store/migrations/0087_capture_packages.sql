-- Packages of captures are made soon after these, and their timestamps renewed before they run out. `until` and `algorithms`
-- are those of the last timestamp, as in `keeping`; empty while there is no package yet. `since`: when it was recorded.
CREATE TABLE capture_packages (
    capture    TEXT PRIMARY KEY REFERENCES captures (id),
    since      TEXT NOT NULL,
    until      TEXT NOT NULL DEFAULT '',
    algorithms TEXT NOT NULL DEFAULT '',
    attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    retry_at   TEXT NOT NULL DEFAULT '',
    reason     TEXT,
    CHECK ((attempts = 0) = (reason IS NULL)),
    CHECK ((until = '') = (algorithms = ''))
) STRICT, WITHOUT ROWID;
CREATE INDEX capture_packages_due ON capture_packages (algorithms, until, retry_at);
CREATE INDEX capture_packages_failing ON capture_packages (capture) WHERE attempts > 0;

-- One that was made before is looked at like one that is to be made: it is there, and is read.
INSERT INTO capture_packages (capture, since) SELECT id, recorded FROM captures WHERE state = 'done';

-- Officers' holds on captures, and disposals of captures that they propose and confirm: as those of contracts.
CREATE TABLE capture_holds (
    id             INTEGER PRIMARY KEY,
    capture        TEXT NOT NULL REFERENCES captures (id),
    reason         TEXT NOT NULL CHECK (reason <> ''),
    placed         TEXT NOT NULL,
    placed_by      TEXT NOT NULL REFERENCES people (subject),
    lifted         TEXT,
    lifted_by      TEXT REFERENCES people (subject),
    lifted_because TEXT,
    CHECK ((lifted IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted IS NULL) = (lifted_because IS NULL))
) STRICT;
CREATE UNIQUE INDEX capture_holds_one_stands ON capture_holds (capture) WHERE lifted IS NULL;
CREATE TRIGGER capture_holds_are_lifted_once BEFORE UPDATE ON capture_holds WHEN OLD.lifted IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a lifted hold never changes'); END;

CREATE TABLE capture_disposals (
    id          INTEGER PRIMARY KEY,
    capture     TEXT NOT NULL REFERENCES captures (id),
    reason      TEXT NOT NULL CHECK (reason <> ''),
    state       TEXT NOT NULL CHECK (state IN ('proposed', 'done', 'refused')),
    proposed    TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES people (subject),
    ended       TEXT,
    ended_by    TEXT REFERENCES people (subject),
    entry       INTEGER,
    CHECK ((state = 'proposed') = (ended IS NULL)),
    CHECK ((state = 'proposed') = (ended_by IS NULL)),
    CHECK ((state = 'done') = (entry IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX capture_disposals_one_at_a_time ON capture_disposals (capture) WHERE state <> 'refused';
CREATE INDEX capture_disposals_by_state ON capture_disposals (state, proposed);
CREATE TRIGGER capture_disposals_end_once BEFORE UPDATE ON capture_disposals WHEN OLD.state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'an answered proposal never changes'); END;
CREATE TRIGGER captures_that_are_held_stay BEFORE UPDATE ON captures
WHEN NEW.state = 'disposed' AND OLD.state <> 'disposed'
    AND EXISTS (SELECT 1 FROM capture_holds WHERE capture = NEW.id AND lifted IS NULL)
BEGIN SELECT RAISE(ABORT, 'a capture under a legal hold stays'); END;
