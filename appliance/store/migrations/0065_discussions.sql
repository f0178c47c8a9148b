-- What colleagues say of a draft before it is sent. A draft is a text that is being written, or a contract.
CREATE TABLE draft_colleagues (
    text     TEXT REFERENCES texts (id) ON DELETE CASCADE,
    contract TEXT REFERENCES contracts (id),
    person   TEXT NOT NULL REFERENCES people (subject),
    at       TEXT NOT NULL,
    CHECK ((text IS NULL) <> (contract IS NULL)),
    UNIQUE (text, person),
    UNIQUE (contract, person)
) STRICT;

CREATE INDEX draft_colleagues_of_person ON draft_colleagues (person);

-- A comment on a place (a paragraph of a text, a page of a document; 0: on the whole), or an answer to one.
CREATE TABLE comments (
    id          TEXT PRIMARY KEY,
    text        TEXT REFERENCES texts (id) ON DELETE CASCADE,
    contract    TEXT REFERENCES contracts (id),
    answers     TEXT REFERENCES comments (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL CHECK (place >= 0),
    quote       TEXT NOT NULL,
    words       TEXT NOT NULL CHECK (words <> ''),
    author      TEXT NOT NULL REFERENCES people (subject),
    at          TEXT NOT NULL,
    resolved    TEXT,
    resolved_by TEXT REFERENCES people (subject),
    CHECK ((text IS NULL) <> (contract IS NULL)),
    CHECK ((resolved IS NULL) = (resolved_by IS NULL))
) STRICT;

CREATE INDEX comments_of_text ON comments (text) WHERE text IS NOT NULL;
CREATE INDEX comments_of_contract ON comments (contract) WHERE contract IS NOT NULL;
CREATE INDEX comments_that_answer ON comments (answers) WHERE answers IS NOT NULL;

-- Wordings of a text as they were at a time: those that others saw, and those that somebody proposes. Of a proposal
-- base is what it changes, with what was accepted; rest what it says, without what was rejected: in what these two
-- differ is still to be decided.
CREATE TABLE text_versions (
    text     TEXT NOT NULL REFERENCES texts (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL CHECK (number > 0),
    at       TEXT NOT NULL,
    author   TEXT NOT NULL REFERENCES people (subject),
    html     TEXT NOT NULL,
    base     TEXT,
    rest     TEXT,
    words    TEXT NOT NULL DEFAULT '',
    accepted INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    decided  TEXT,
    PRIMARY KEY (text, number),
    CHECK ((base IS NULL) = (rest IS NULL))
) STRICT, WITHOUT ROWID;
