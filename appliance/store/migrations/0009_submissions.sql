-- Forms that were sent once: what each made, so that sending it again leads there instead of making it twice.

CREATE TABLE submissions (
    subject TEXT NOT NULL,
    once    TEXT NOT NULL CHECK (length(once) BETWEEN 16 AND 64),
    claimed TEXT NOT NULL,
    made    TEXT CHECK (made LIKE '/%'),
    PRIMARY KEY (subject, once)
) STRICT, WITHOUT ROWID;

CREATE INDEX submissions_old ON submissions (claimed);

CREATE TRIGGER submissions_made_once BEFORE UPDATE ON submissions WHEN OLD.made IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what a form made never changes'); END;
