-- Custodians from whom a seal was taken, and the number of the last approval before that: what they have approved up to
-- it never counts for this seal, also when they are its custodians again.
CREATE TABLE removed_custodians (
    seal TEXT NOT NULL REFERENCES seals (subject),
    person TEXT NOT NULL REFERENCES subjects (subject),
    last_approval INTEGER NOT NULL,
    PRIMARY KEY (seal, person)
) STRICT, WITHOUT ROWID;
