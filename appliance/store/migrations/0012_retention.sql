-- Retention: legal holds, disposals, and documents that go once no transaction can want them any more.

CREATE TABLE holds (
    id             INTEGER PRIMARY KEY,
    contract       TEXT NOT NULL REFERENCES contracts (id),
    reason         TEXT NOT NULL CHECK (reason <> ''),
    placed         TEXT NOT NULL,
    placed_by      TEXT NOT NULL REFERENCES people (subject),
    lifted         TEXT,
    lifted_by      TEXT REFERENCES people (subject),
    lifted_because TEXT,
    CHECK ((lifted IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted IS NULL) = (lifted_because IS NULL))
) STRICT;

CREATE UNIQUE INDEX holds_one_stands ON holds (contract) WHERE lifted IS NULL;

CREATE TRIGGER holds_are_lifted_once BEFORE UPDATE ON holds WHEN OLD.lifted IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a lifted hold never changes'); END;

CREATE TABLE disposals (
    id          INTEGER PRIMARY KEY,
    contract    TEXT NOT NULL REFERENCES contracts (id),
    reason      TEXT NOT NULL CHECK (reason <> ''),
    state       TEXT NOT NULL CHECK (state IN ('proposed', 'done', 'refused')),
    proposed    TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES people (subject),
    ended       TEXT,
    ended_by    TEXT REFERENCES people (subject),
    entry       INTEGER,
    CHECK ((state = 'proposed') = (ended IS NULL)),
    CHECK ((state = 'proposed') = (ended_by IS NULL)),
    CHECK ((state = 'done') = (entry IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX disposals_one_at_a_time ON disposals (contract) WHERE state <> 'refused';
CREATE INDEX disposals_by_state ON disposals (state, proposed);

CREATE TRIGGER disposals_end_once BEFORE UPDATE ON disposals WHEN OLD.state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'an answered proposal never changes'); END;
CREATE TRIGGER disposals_spare_what_is_held BEFORE UPDATE ON disposals
WHEN NEW.state = 'done' AND EXISTS (SELECT 1 FROM holds WHERE contract = NEW.contract AND lifted IS NULL)
BEGIN SELECT RAISE(ABORT, 'a contract under a legal hold stays'); END;
CREATE TRIGGER disposals_stay BEFORE DELETE ON disposals
BEGIN SELECT RAISE(ABORT, 'a disposal is never deleted'); END;

-- Digests of documents that only disposed contracts had.
CREATE TABLE doomed_documents (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
    since  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX contracts_ended ON contracts (touched, id)
WHERE state IN ('completed', 'voided', 'declined', 'recalled', 'expired', 'discarded');

-- What disposal and erasure may take although it is otherwise kept for good.
DROP TRIGGER void_declarations_stay;
CREATE TRIGGER void_declarations_stay BEFORE DELETE ON void_declarations
WHEN OLD.signed IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM disposals AS d JOIN voidings AS v ON v.contract = d.contract
    WHERE v.id = OLD.voiding AND d.state = 'done'
)
BEGIN SELECT RAISE(ABORT, 'a signed declaration is never deleted'); END;

DROP TRIGGER accounts_left_for_good;
CREATE TRIGGER accounts_left_for_good BEFORE UPDATE ON accounts
WHEN OLD.state = 'left' AND (NEW.state <> 'left' OR NEW.password IS NOT NULL OR NEW.totp IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'an account that was closed stays closed'); END;
