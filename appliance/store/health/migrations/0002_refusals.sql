-- Timestamp requests that were refused, by failInfo: what each process has said, so that it is added once, and the sums.
CREATE TABLE refusals_told (
    process TEXT NOT NULL,
    reason  TEXT NOT NULL,
    count   INTEGER NOT NULL CHECK (count >= 0),
    PRIMARY KEY (process, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals (
    reason TEXT PRIMARY KEY,
    count  INTEGER NOT NULL CHECK (count >= 0)
) STRICT, WITHOUT ROWID;
