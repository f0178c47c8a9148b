-- The life of a contract: more endings, hand-over, several places for a field, voiding, who has what to do.

-- `number` counts contracts as they came; `version` counts every change of one.
CREATE TABLE contracts_rebuilt (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    title         TEXT NOT NULL CHECK (title <> ''),
    kind          TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    initiator     TEXT NOT NULL REFERENCES people (subject),
    signing_order TEXT NOT NULL CHECK (signing_order IN ('sequential', 'parallel')),
    deadline      TEXT NOT NULL,
    zone          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (
        state IN (
            'draft', 'sent', 'signed', 'completed', 'declined', 'recalled', 'expired', 'discarded', 'voided'
        )
    ),
    created       TEXT NOT NULL,
    pages         INTEGER NOT NULL CHECK (pages > 0),
    revision      INTEGER NOT NULL CHECK (revision >= 0),
    version       INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    touched       TEXT NOT NULL,
    CHECK (state IN ('draft', 'discarded') OR (kind <> '' AND purpose <> ''))
) STRICT;

INSERT INTO contracts_rebuilt (
    id, title, kind, purpose, initiator, signing_order, deadline, zone, state, created, pages, revision, touched
)
SELECT id, title, kind, purpose, initiator, signing_order, deadline, zone, state, created, pages, revision, created
FROM contracts ORDER BY created, id;

DROP TABLE contracts;
ALTER TABLE contracts_rebuilt RENAME TO contracts;

CREATE INDEX contracts_due ON contracts (deadline) WHERE state = 'sent';
CREATE INDEX contracts_to_seal_off ON contracts (id) WHERE state = 'signed';

CREATE TRIGGER contracts_end_once BEFORE UPDATE OF state ON contracts
WHEN OLD.state IN ('declined', 'recalled', 'expired', 'discarded', 'voided') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'what has ended does not go on'); END;
CREATE TRIGGER contracts_are_voided_alone BEFORE UPDATE OF state ON contracts
WHEN OLD.state = 'completed' AND NEW.state NOT IN ('completed', 'voided')
BEGIN SELECT RAISE(ABORT, 'what is completed can only be voided'); END;

-- The document of a draft can be replaced; everything later stands on what was sent.
DROP TRIGGER revisions_are_kept;
CREATE TRIGGER revisions_are_kept BEFORE UPDATE ON revisions
WHEN OLD.number <> 0 OR NEW.number <> 0 OR NEW.contract <> OLD.contract
    OR (SELECT state FROM contracts WHERE id = OLD.contract) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'a revision is never rewritten'); END;

-- Which act made which version of a contract, and whose it was.
CREATE TABLE contract_changes (
    contract TEXT NOT NULL REFERENCES contracts (id),
    version  INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    at       TEXT NOT NULL,
    PRIMARY KEY (contract, version)
) STRICT, WITHOUT ROWID;

-- `page` to `height` are empty while the field of a draft is not placed; `cross_page` is the upper edge of a seal
-- on the right edges of all pages.
CREATE TABLE parties_rebuilt (
    id           TEXT PRIMARY KEY,
    contract     TEXT NOT NULL REFERENCES contracts (id),
    position     INTEGER NOT NULL CHECK (position > 0),
    kind         TEXT NOT NULL CHECK (kind IN ('person', 'seal')),
    subject      TEXT NOT NULL,
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL,
    requester    TEXT REFERENCES people (subject),
    field        TEXT NOT NULL,
    page         INTEGER CHECK (page >= 0),
    x            REAL,
    y            REAL,
    width        REAL CHECK (width > 0),
    height       REAL CHECK (height > 0),
    cross_page   REAL CHECK (cross_page BETWEEN 0 AND 100),
    phone        TEXT,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'signed', 'declined')),
    signed_at    TEXT,
    reason       TEXT,
    UNIQUE (contract, position),
    UNIQUE (contract, field),
    UNIQUE (contract, subject),
    CHECK ((kind = 'seal') = (requester IS NOT NULL)),
    CHECK ((state = 'signed') = (signed_at IS NOT NULL)),
    CHECK ((page IS NULL) = (x IS NULL) AND (page IS NULL) = (y IS NULL)),
    CHECK ((page IS NULL) = (width IS NULL) AND (page IS NULL) = (height IS NULL)),
    CHECK (cross_page IS NULL OR kind = 'seal')
) STRICT;

INSERT INTO parties_rebuilt (
    id, contract, position, kind, subject, name, organisation, requester, field, page, x, y, width, height, state,
    signed_at, reason
)
SELECT
    id, contract, position, kind, subject, name, organisation, requester, field, page, x, y, width, height, state,
    signed_at, reason
FROM parties;

DROP TABLE parties;
ALTER TABLE parties_rebuilt RENAME TO parties;

-- Further places of a party's field, in order.
CREATE TABLE placements (
    party  TEXT NOT NULL REFERENCES parties (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    page   INTEGER NOT NULL CHECK (page >= 0),
    x      REAL NOT NULL,
    y      REAL NOT NULL,
    width  REAL NOT NULL CHECK (width > 0),
    height REAL NOT NULL CHECK (height > 0),
    PRIMARY KEY (party, number)
) STRICT, WITHOUT ROWID;

-- Who handed a part over to whom.
CREATE TABLE handovers (
    id        INTEGER PRIMARY KEY,
    contract  TEXT NOT NULL REFERENCES contracts (id),
    party     TEXT NOT NULL REFERENCES parties (id),
    giver     TEXT NOT NULL REFERENCES people (subject),
    recipient TEXT NOT NULL REFERENCES people (subject),
    reason    TEXT NOT NULL CHECK (reason <> ''),
    at        TEXT NOT NULL,
    CHECK (giver <> recipient)
) STRICT;

CREATE INDEX handovers_of_contract ON handovers (contract);

-- Proposals to void a completed contract: open → refused by one, or done when everybody has signed.
CREATE TABLE voidings (
    id       TEXT PRIMARY KEY,
    contract TEXT NOT NULL REFERENCES contracts (id),
    proposer TEXT NOT NULL REFERENCES people (subject),
    reason   TEXT NOT NULL CHECK (reason <> ''),
    at       TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('open', 'refused', 'done')),
    ended    TEXT,
    refuser  TEXT REFERENCES people (subject),
    answer   TEXT,
    CHECK ((state = 'open') = (ended IS NULL)),
    CHECK ((state = 'refused') = (refuser IS NOT NULL)),
    CHECK ((state = 'refused') = (answer IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX voidings_one_open ON voidings (contract) WHERE state = 'open';
CREATE UNIQUE INDEX voidings_done_once ON voidings (contract) WHERE state = 'done';
CREATE INDEX voidings_of_contract ON voidings (contract, at);

CREATE TRIGGER voidings_end_once BEFORE UPDATE ON voidings WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'an ended proposal never changes'); END;

-- One declaration that a contract is void; signed once its signature is there.
CREATE TABLE void_declarations (
    id       TEXT PRIMARY KEY,
    voiding  TEXT NOT NULL REFERENCES voidings (id),
    person   TEXT NOT NULL REFERENCES people (subject),
    record   BLOB NOT NULL,
    act      BLOB NOT NULL,
    prepared TEXT NOT NULL,
    expires  TEXT NOT NULL,
    signed   TEXT,
    cms      BLOB,
    entry    INTEGER,
    CHECK ((signed IS NULL) = (cms IS NULL)),
    CHECK ((signed IS NULL) = (entry IS NULL))
) STRICT;

CREATE UNIQUE INDEX void_declarations_signed_once ON void_declarations (voiding, person) WHERE signed IS NOT NULL;
CREATE INDEX void_declarations_open ON void_declarations (expires) WHERE signed IS NULL;

CREATE TRIGGER void_declarations_are_kept BEFORE UPDATE ON void_declarations WHEN OLD.signed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a signed declaration never changes'); END;
CREATE TRIGGER void_declarations_stay BEFORE DELETE ON void_declarations WHEN OLD.signed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a signed declaration is never deleted'); END;

-- Who has to do with which contract, and how: derived from the tables above in the transaction that changes them,
-- so that lists need no search. The person `*` stands for whoever may see all (auditors).
CREATE TABLE involvements (
    person   TEXT NOT NULL,
    number   INTEGER NOT NULL REFERENCES contracts (number),
    bucket   TEXT NOT NULL CHECK (bucket IN ('draft', 'to-sign', 'waiting', 'done', 'ended')),
    kind     TEXT NOT NULL,
    touched  TEXT NOT NULL,
    deadline TEXT NOT NULL,
    PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX involvements_of_contract ON involvements (number);
CREATE INDEX involvements_all ON involvements (person, touched, number);
CREATE INDEX involvements_bucket ON involvements (person, bucket, touched, number);
CREATE INDEX involvements_kind ON involvements (person, kind, touched, number);
CREATE INDEX involvements_due ON involvements (person, deadline, number) WHERE bucket IN ('to-sign', 'waiting');

-- Text search in contracts by trigrams; `people` has one mark of three signs for each involved person.
CREATE VIRTUAL TABLE contract_search USING fts5 (
    title, parties, people, tokenize = 'trigram case_sensitive 0'
);

-- queued → sending → sent | unknown; refused when the mail server said no for good. `message_id` is made of
-- everything that tells one message from another.
CREATE TABLE outbox_rebuilt (
    id         INTEGER PRIMARY KEY,
    contract   TEXT REFERENCES contracts (id),
    recipient  TEXT NOT NULL REFERENCES people (subject),
    kind       TEXT NOT NULL,
    about      TEXT NOT NULL DEFAULT '',
    due        TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'refused')),
    message_id TEXT NOT NULL UNIQUE,
    attempts   INTEGER NOT NULL DEFAULT 0,
    retry_at   TEXT NOT NULL,
    reason     TEXT
) STRICT;

INSERT INTO outbox_rebuilt (id, contract, recipient, kind, due, state, message_id, attempts, retry_at, reason)
SELECT id, contract, recipient, kind, due, state, message_id, attempts, retry_at, reason FROM outbox;

DROP TABLE outbox;
ALTER TABLE outbox_rebuilt RENAME TO outbox;

CREATE INDEX outbox_waiting ON outbox (retry_at) WHERE state IN ('queued', 'sending');
