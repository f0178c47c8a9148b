-- For whom from outside an initiator vouches: asked for, done, certified by the authority with its signed statement, ended.
-- The authority knows each of these itself; here it is kept for pages, evidence, and for what is still to be ended.
CREATE TABLE vouchings (
    person     TEXT PRIMARY KEY REFERENCES people (subject),
    contract   TEXT NOT NULL REFERENCES contracts (id),
    party      TEXT NOT NULL,
    asked      TEXT NOT NULL,
    vouched_by TEXT REFERENCES people (subject),
    vouched    TEXT,
    certified  TEXT,
    statement  BLOB,
    cms        BLOB,
    ended      TEXT,
    CHECK ((vouched_by IS NULL) = (vouched IS NULL)),
    CHECK ((statement IS NULL) = (cms IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchings_of_contract ON vouchings (contract);
