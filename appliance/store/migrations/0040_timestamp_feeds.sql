-- How far each file of the timestamp service's spool has been taken into the log, in bytes. Set in the transaction that adds the
-- entries: so each token is taken once, however often the feeder is killed. A row stays when its file is gone, so that a file that
-- comes back is not taken again.
CREATE TABLE timestamp_feeds (
    file     TEXT PRIMARY KEY CHECK (length(file) BETWEEN 1 AND 64),
    position INTEGER NOT NULL CHECK (position > 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER timestamp_feeds_advance BEFORE UPDATE ON timestamp_feeds
WHEN NEW.file <> OLD.file OR NEW.position <= OLD.position
BEGIN SELECT RAISE(ABORT, 'a file of the spool is only read on'); END;
CREATE TRIGGER timestamp_feeds_stay BEFORE DELETE ON timestamp_feeds
BEGIN SELECT RAISE(ABORT, 'how far a file of the spool was read is never forgotten'); END;
