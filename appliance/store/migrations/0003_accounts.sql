-- Everybody who can be named (people), and those who sign in (accounts). One human, one account: an address of mail
-- belongs to one of them, and the subject's prefix decides which roles are possible. So nobody who operates,
-- registers or audits can sign.

CREATE TABLE people_now (
    subject      TEXT PRIMARY KEY CHECK (
        subject LIKE 'person-%' OR subject LIKE 'officer-%' OR subject LIKE 'auditor-%' OR subject LIKE 'operator-%'
    ),
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL,
    email        TEXT NOT NULL,
    language     TEXT NOT NULL CHECK (language IN ('zh', 'en')),
    zone         TEXT NOT NULL,
    guest        INTEGER NOT NULL CHECK (guest = (subject LIKE 'person-guest-%'))
) STRICT;

CREATE TABLE certificates (
    subject TEXT PRIMARY KEY CHECK (subject LIKE 'person-%' OR subject LIKE 'seal-%'),
    der     BLOB NOT NULL
) STRICT;

INSERT INTO certificates (subject, der) SELECT subject, certificate FROM people;
INSERT INTO certificates (subject, der) SELECT subject, certificate FROM seals;
INSERT INTO people_now (subject, name, organisation, email, language, zone, guest)
    SELECT subject, name, organisation, email, language, zone, subject LIKE 'person-guest-%' FROM people;
DROP TABLE people;
ALTER TABLE people_now RENAME TO people;
CREATE UNIQUE INDEX people_one_address ON people (email COLLATE NOCASE) WHERE guest = 0;

CREATE TABLE seals_now (
    subject      TEXT PRIMARY KEY CHECK (subject LIKE 'seal-%'),
    organisation TEXT NOT NULL,
    kind         TEXT NOT NULL,
    width_mm     REAL NOT NULL CHECK (width_mm > 0),
    suspended    TEXT
) STRICT;

INSERT INTO seals_now (subject, organisation, kind, width_mm, suspended)
    SELECT subject, organisation, kind, width_mm, suspended FROM seals;
DROP TABLE seals;
ALTER TABLE seals_now RENAME TO seals;

CREATE TABLE custodians_now (
    seal   TEXT NOT NULL REFERENCES seals (subject),
    person TEXT NOT NULL REFERENCES people (subject)
        CHECK (person LIKE 'person-%' AND person NOT LIKE 'person-guest-%'),
    PRIMARY KEY (seal, person)
) STRICT, WITHOUT ROWID;

INSERT INTO custodians_now (seal, person) SELECT seal, person FROM custodians;
DROP TABLE custodians;
ALTER TABLE custodians_now RENAME TO custodians;

-- invited → active ⇄ suspended; left is the end. `handle` is the user handle of passkeys (WebAuthn Level 3, 5.4.3).
CREATE TABLE accounts (
    subject   TEXT PRIMARY KEY REFERENCES people (subject) CHECK (subject NOT LIKE 'person-guest-%'),
    login     TEXT NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 2 AND 64),
    state     TEXT NOT NULL CHECK (state IN ('invited', 'active', 'suspended', 'left')),
    handle    BLOB NOT NULL UNIQUE CHECK (length(handle) = 16),
    password  TEXT CHECK (password LIKE '$argon2id$%'),
    totp      BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0,
    invited   TEXT NOT NULL,
    CHECK (state <> 'active' OR password IS NOT NULL)
) STRICT;

CREATE TRIGGER accounts_left_for_good BEFORE UPDATE ON accounts WHEN OLD.state = 'left'
BEGIN SELECT RAISE(ABORT, 'an account that was closed stays closed'); END;

CREATE TABLE account_roles (
    subject TEXT NOT NULL REFERENCES accounts (subject),
    role    TEXT NOT NULL CHECK (
        CASE
            WHEN role IN ('initiator', 'signer', 'custodian', 'reviewer')
                THEN subject LIKE 'person-%' AND subject NOT LIKE 'person-guest-%'
            WHEN role = 'officer' THEN subject LIKE 'officer-%'
            WHEN role = 'auditor' THEN subject LIKE 'auditor-%'
            WHEN role = 'operator' THEN subject LIKE 'operator-%'
            ELSE 0
        END
    ),
    PRIMARY KEY (subject, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE passkeys (
    credential BLOB PRIMARY KEY CHECK (length(credential) BETWEEN 1 AND 1023),
    subject    TEXT NOT NULL REFERENCES accounts (subject),
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    label      TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
    added      TEXT NOT NULL,
    used       TEXT
) STRICT;

CREATE INDEX passkeys_of ON passkeys (subject);

-- Links that were sent: the token is made from the id and a key, so nothing here opens anything. `password` is the
-- chosen one (argon2id) while its owner sets up the second factor.
CREATE TABLE account_links (
    id       TEXT PRIMARY KEY CHECK (length(id) = 32),
    purpose  TEXT NOT NULL CHECK (purpose IN ('welcome', 'recover')),
    subject  TEXT NOT NULL REFERENCES accounts (subject),
    made     TEXT NOT NULL,
    made_by  TEXT NOT NULL,
    expires  TEXT NOT NULL,
    password TEXT CHECK (password LIKE '$argon2id$%'),
    ended    TEXT
) STRICT;

CREATE UNIQUE INDEX account_links_one_open ON account_links (subject) WHERE ended IS NULL;

-- `id` is the SHA-256 of what the cookie holds.
CREATE TABLE sessions (
    id       BLOB PRIMARY KEY CHECK (length(id) = 32),
    subject  TEXT NOT NULL REFERENCES people (subject),
    strength TEXT NOT NULL CHECK (strength IN ('passkey', 'password-and-code', 'guest')),
    opened   TEXT NOT NULL,
    seen     TEXT NOT NULL,
    until    TEXT NOT NULL,
    address  TEXT NOT NULL,
    agent    TEXT NOT NULL,
    contract TEXT,
    party    TEXT,
    ended    TEXT,
    CHECK ((strength = 'guest') = (subject LIKE 'person-guest-%')),
    CHECK ((strength = 'guest') = (contract IS NOT NULL)),
    CHECK ((strength = 'guest') = (party IS NOT NULL))
) STRICT;

CREATE INDEX sessions_of ON sessions (subject) WHERE ended IS NULL;
CREATE INDEX sessions_over ON sessions (until);

-- Failed sign-ins by account ('account:' and a digest, whether it exists or not) and by network address.
CREATE TABLE throttle (
    key   TEXT PRIMARY KEY,
    count INTEGER NOT NULL CHECK (count >= 0),
    last  TEXT NOT NULL,
    until TEXT
) STRICT;

CREATE INDEX throttle_old ON throttle (last);

-- Tickets and challenges that were used, until they would have expired anyway.
CREATE TABLE spent_tickets (
    digest  BLOB PRIMARY KEY CHECK (length(digest) = 32),
    expires TEXT NOT NULL
) STRICT;

CREATE INDEX spent_tickets_old ON spent_tickets (expires);
