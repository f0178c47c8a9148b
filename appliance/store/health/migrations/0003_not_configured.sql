-- What is not configured is neither good nor bad, and has no page of the runbook.
CREATE TABLE observations_now (
    name      TEXT PRIMARY KEY,
    position  INTEGER NOT NULL,
    condition TEXT NOT NULL CHECK (condition IN ('good', 'not-configured', 'attention', 'failing')),
    sentence  TEXT NOT NULL,
    remedy    TEXT NOT NULL,
    page      TEXT,
    mark      TEXT NOT NULL,
    since     TEXT NOT NULL,
    at        TEXT NOT NULL,
    CHECK ((condition IN ('good', 'not-configured')) = (page IS NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO observations_now SELECT * FROM observations;
DROP TABLE observations;
ALTER TABLE observations_now RENAME TO observations;
