-- Which pages of a contract somebody has been shown, where policy asks for that before signing: since when, and when
-- they went on to the next one.
CREATE TABLE readings (
    contract TEXT NOT NULL REFERENCES contracts (id),
    person   TEXT NOT NULL REFERENCES people (subject),
    page     INTEGER NOT NULL CHECK (page >= 1),
    shown    TEXT NOT NULL,
    read     TEXT,
    PRIMARY KEY (contract, person, page)
) STRICT, WITHOUT ROWID;
