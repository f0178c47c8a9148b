-- Powers of attorney that officers have confirmed, and the authority's signed statements of that.
CREATE TABLE power_statements (
    power TEXT PRIMARY KEY,
    statement BLOB NOT NULL,
    cms BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER power_statements_stay BEFORE UPDATE ON power_statements
BEGIN SELECT RAISE (ABORT, 'statements are never changed'); END;
CREATE TRIGGER power_statements_remain BEFORE DELETE ON power_statements
BEGIN SELECT RAISE (ABORT, 'statements are never deleted'); END;

-- From which entry of the log on a power counts in evidence with such a statement alone: those that were verified
-- before are in the log below it, where nobody can add any.
CREATE TABLE powers_stated (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL CHECK (since >= 0)
) STRICT;
INSERT INTO powers_stated (one, since) SELECT 1, coalesce(max(size), 0) FROM checkpoints;
CREATE TRIGGER powers_stated_stays BEFORE UPDATE ON powers_stated
BEGIN SELECT RAISE (ABORT, 'where statements begin is never changed'); END;
CREATE TRIGGER powers_stated_remains BEFORE DELETE ON powers_stated
BEGIN SELECT RAISE (ABORT, 'where statements begin is never deleted'); END;
