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
