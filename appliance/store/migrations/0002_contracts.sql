-- People, seals, contracts, intents and the outbox. Times are ISO 8601 in UTC; digests are lower-case hex.

CREATE TABLE people (
    subject      TEXT PRIMARY KEY CHECK (subject LIKE 'person-%'),
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL,
    email        TEXT NOT NULL,
    language     TEXT NOT NULL CHECK (language IN ('zh', 'en')),
    zone         TEXT NOT NULL,
    certificate  BLOB NOT NULL
) STRICT;

CREATE TABLE seals (
    subject      TEXT PRIMARY KEY CHECK (subject LIKE 'seal-%'),
    organisation TEXT NOT NULL,
    kind         TEXT NOT NULL,
    width_mm     REAL NOT NULL CHECK (width_mm > 0),
    suspended    TEXT,
    certificate  BLOB NOT NULL
) STRICT;

CREATE TABLE custodians (
    seal   TEXT NOT NULL REFERENCES seals (subject),
    person TEXT NOT NULL REFERENCES people (subject),
    PRIMARY KEY (seal, person)
) STRICT, WITHOUT ROWID;

-- One proposal or acceptance of the text on electronic signing; accepted once its signature is there.
CREATE TABLE agreements (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL REFERENCES people (subject),
    version  TEXT NOT NULL,
    record   BLOB NOT NULL,
    act      BLOB NOT NULL,
    proposed TEXT NOT NULL,
    expires  TEXT NOT NULL,
    accepted TEXT,
    cms      BLOB,
    entry    INTEGER,
    CHECK ((accepted IS NULL) = (cms IS NULL)),
    CHECK ((accepted IS NULL) = (entry IS NULL))
) STRICT;

CREATE UNIQUE INDEX agreements_accepted_once ON agreements (person, version) WHERE accepted IS NOT NULL;

CREATE TABLE contracts (
    id            TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    kind          TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    initiator     TEXT NOT NULL REFERENCES people (subject),
    signing_order TEXT NOT NULL CHECK (signing_order IN ('sequential', 'parallel')),
    deadline      TEXT NOT NULL,
    zone          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (
        state IN ('draft', 'sent', 'signed', 'completed', 'declined', 'recalled', 'expired')
    ),
    created       TEXT NOT NULL,
    pages         INTEGER NOT NULL CHECK (pages > 0),
    revision      INTEGER NOT NULL CHECK (revision >= 0)
) STRICT;

CREATE INDEX contracts_due ON contracts (deadline) WHERE state = 'sent';
CREATE INDEX contracts_to_seal_off ON contracts (id) WHERE state = 'signed';

CREATE TABLE parties (
    id           TEXT PRIMARY KEY,
    contract     TEXT NOT NULL REFERENCES contracts (id),
    position     INTEGER NOT NULL CHECK (position > 0),
    kind         TEXT NOT NULL CHECK (kind IN ('person', 'seal')),
    subject      TEXT NOT NULL,
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL,
    requester    TEXT REFERENCES people (subject),
    field        TEXT NOT NULL,
    page         INTEGER NOT NULL CHECK (page >= 0),
    x            REAL NOT NULL,
    y            REAL NOT NULL,
    width        REAL NOT NULL CHECK (width > 0),
    height       REAL NOT NULL CHECK (height > 0),
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'signed', 'declined')),
    signed_at    TEXT,
    reason       TEXT,
    UNIQUE (contract, position),
    UNIQUE (contract, field),
    CHECK ((kind = 'seal') = (requester IS NOT NULL)),
    CHECK ((state = 'signed') = (signed_at IS NOT NULL))
) STRICT;

CREATE TABLE revisions (
    contract TEXT NOT NULL REFERENCES contracts (id),
    number   INTEGER NOT NULL CHECK (number >= 0),
    kind     TEXT NOT NULL CHECK (kind IN ('original', 'fields', 'signature', 'archive')),
    digest   TEXT NOT NULL CHECK (length(digest) = 64),
    size     INTEGER NOT NULL CHECK (size > 0),
    at       TEXT NOT NULL,
    party    TEXT REFERENCES parties (id),
    PRIMARY KEY (contract, number),
    CHECK ((kind = 'signature') = (party IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER revisions_are_kept BEFORE UPDATE ON revisions
BEGIN SELECT RAISE(ABORT, 'a revision is never rewritten'); END;
CREATE TRIGGER revisions_stay BEFORE DELETE ON revisions
BEGIN SELECT RAISE(ABORT, 'a revision is never deleted'); END;

-- prepared → signing → signed → stamped → completed, or abandoned from any of the first four (model/intent.py).
CREATE TABLE intents (
    id              TEXT PRIMARY KEY,
    contract        TEXT NOT NULL REFERENCES contracts (id),
    party           TEXT NOT NULL REFERENCES parties (id),
    base            INTEGER NOT NULL,
    act             BLOB NOT NULL,
    nonce           BLOB NOT NULL UNIQUE CHECK (length(nonce) = 16),
    expires         TEXT NOT NULL,
    suffix          BLOB,
    contents_offset INTEGER NOT NULL,
    contents_length INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (
        state IN ('prepared', 'signing', 'signed', 'stamped', 'completed', 'abandoned')
    ),
    created         TEXT NOT NULL,
    address         TEXT,
    location        TEXT,
    claimant        TEXT,
    claimed         TEXT,
    cms             BLOB,
    stamped         TEXT,
    reason          TEXT,
    CHECK (state <> 'prepared' OR cms IS NULL),
    CHECK (state NOT IN ('signed', 'stamped', 'completed') OR cms IS NOT NULL),
    CHECK (state NOT IN ('prepared', 'signing', 'signed', 'stamped') OR suffix IS NOT NULL),
    CHECK (state NOT IN ('stamped', 'completed') OR stamped IS NOT NULL),
    CHECK ((state = 'abandoned') = (reason IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX intents_one_under_way ON intents (contract) WHERE state IN ('signing', 'signed', 'stamped');
CREATE UNIQUE INDEX intents_a_party_signs_once ON intents (party) WHERE state = 'completed';
CREATE INDEX intents_prepared ON intents (expires) WHERE state = 'prepared';
CREATE INDEX intents_of_party ON intents (party);
CREATE INDEX intents_of_contract ON intents (contract);

CREATE TRIGGER intents_end_once BEFORE UPDATE ON intents WHEN OLD.state IN ('completed', 'abandoned')
BEGIN SELECT RAISE(ABORT, 'a closed intent never changes'); END;

-- Which log entries tell a contract's history, in order.
CREATE TABLE contract_events (
    contract TEXT NOT NULL REFERENCES contracts (id),
    entry    INTEGER NOT NULL,
    PRIMARY KEY (contract, entry)
) STRICT, WITHOUT ROWID;

-- queued → sending → sent | unknown; refused when the mail server said no for good.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    contract   TEXT NOT NULL REFERENCES contracts (id),
    recipient  TEXT NOT NULL REFERENCES people (subject),
    kind       TEXT NOT NULL,
    due        TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'refused')),
    message_id TEXT NOT NULL UNIQUE,
    attempts   INTEGER NOT NULL DEFAULT 0,
    retry_at   TEXT NOT NULL,
    reason     TEXT,
    UNIQUE (contract, recipient, kind, due)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (retry_at) WHERE state IN ('queued', 'sending');
