-- Partner organisations, invited once, and their representatives: people from outside who have an account of their
-- own, with one role that goes with no other. A partner has one administrator at a time.

CREATE TABLE partners (
    id            TEXT PRIMARY KEY CHECK (id LIKE 'partner-%'),
    name          TEXT NOT NULL CHECK (name <> ''),
    key           TEXT NOT NULL UNIQUE CHECK (key <> ''),
    code          TEXT UNIQUE CHECK (length(code) = 18),
    registration  TEXT CHECK (registration <> ''),
    address       TEXT NOT NULL,
    contact       TEXT NOT NULL,
    email         TEXT NOT NULL,
    phone         TEXT NOT NULL,
    registered    TEXT NOT NULL,
    registered_by TEXT NOT NULL REFERENCES people (subject),
    CHECK (code IS NOT NULL OR registration IS NOT NULL)
) STRICT;

CREATE TABLE partner_vouchings (
    partner TEXT NOT NULL REFERENCES partners (id),
    by      TEXT NOT NULL REFERENCES people (subject) CHECK (by NOT LIKE 'person-guest-%'),
    at      TEXT NOT NULL,
    means   TEXT NOT NULL CHECK (means IN ('licence', 'register', 'known', 'other')),
    note    TEXT NOT NULL
) STRICT;

CREATE INDEX partner_vouchings_of ON partner_vouchings (partner);

CREATE TRIGGER partner_vouchings_stay BEFORE UPDATE ON partner_vouchings
BEGIN SELECT RAISE(ABORT, 'a vouching is never changed'); END;
CREATE TRIGGER partner_vouchings_are_kept BEFORE DELETE ON partner_vouchings
BEGIN SELECT RAISE(ABORT, 'a vouching is never deleted'); END;

CREATE TABLE partner_documents (
    id       TEXT PRIMARY KEY CHECK (id LIKE 'paper-%'),
    partner  TEXT NOT NULL REFERENCES partners (id),
    kind     TEXT NOT NULL CHECK (kind IN ('licence', 'register', 'other')),
    media    TEXT NOT NULL CHECK (media IN ('application/pdf', 'image/png', 'image/jpeg')),
    digest   TEXT NOT NULL CHECK (length(digest) = 64),
    size     INTEGER NOT NULL CHECK (size > 0),
    added    TEXT NOT NULL,
    added_by TEXT NOT NULL REFERENCES people (subject),
    UNIQUE (partner, digest)
) STRICT;

CREATE INDEX partner_documents_by_digest ON partner_documents (digest);

CREATE TABLE representatives (
    subject       TEXT PRIMARY KEY REFERENCES people (subject) CHECK (subject LIKE 'person-guest-%'),
    partner       TEXT NOT NULL REFERENCES partners (id),
    administrator INTEGER NOT NULL CHECK (administrator IN (0, 1)),
    phone         TEXT NOT NULL,
    invited       TEXT NOT NULL,
    invited_by    TEXT NOT NULL REFERENCES people (subject)
) STRICT;

CREATE INDEX representatives_of ON representatives (partner);
CREATE UNIQUE INDEX representatives_one_administrator ON representatives (partner) WHERE administrator = 1;

CREATE TRIGGER representatives_stay_with_their_partner BEFORE UPDATE OF subject, partner ON representatives
WHEN NEW.subject <> OLD.subject OR NEW.partner <> OLD.partner
BEGIN SELECT RAISE(ABORT, 'a representative is of one partner for good'); END;

CREATE TRIGGER representatives_are_no_guests BEFORE INSERT ON representatives
WHEN EXISTS (SELECT 1 FROM guest_invitations WHERE person = NEW.subject)
BEGIN SELECT RAISE(ABORT, 'a guest belongs to one party of one contract'); END;

CREATE TRIGGER guest_invitations_for_no_representatives BEFORE INSERT ON guest_invitations
WHEN EXISTS (SELECT 1 FROM representatives WHERE subject = NEW.person)
BEGIN SELECT RAISE(ABORT, 'a representative has an account'); END;

-- Triggers that name the tables that are made anew.
DROP TRIGGER accounts_left_for_good;
DROP TRIGGER accounts_change_their_plans;
DROP TRIGGER accounts_of_no_administrator;
DROP TRIGGER accounts_become_no_administrators;
DROP TRIGGER administrators_have_no_account;
DROP TRIGGER review_waivers_by_reviewers;
DROP TRIGGER review_sign_offs_by_reviewers;
DROP TRIGGER review_approvals_by_reviewers;

-- Somebody from outside has an account as a representative alone.
CREATE TABLE accounts_now (
    subject   TEXT PRIMARY KEY REFERENCES people (subject),
    login     TEXT NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 2 AND 64),
    state     TEXT NOT NULL CHECK (state IN ('invited', 'active', 'suspended', 'left')),
    handle    BLOB NOT NULL UNIQUE CHECK (length(handle) = 16),
    password  TEXT CHECK (password LIKE '$argon2id$%'),
    totp      BLOB,
    totp_step INTEGER NOT NULL DEFAULT 0,
    invited   TEXT NOT NULL,
    told      INTEGER NOT NULL DEFAULT 1 CHECK (told IN (0, 1)),
    CHECK (state <> 'active' OR password IS NOT NULL)
) STRICT;

INSERT INTO accounts_now (subject, login, state, handle, password, totp, totp_step, invited, told)
    SELECT subject, login, state, handle, password, totp, totp_step, invited, told FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_now RENAME TO accounts;

CREATE TABLE account_roles_now (
    subject TEXT NOT NULL REFERENCES accounts (subject),
    role    TEXT NOT NULL CHECK (
        CASE
            WHEN role IN ('initiator', 'signer', 'custodian', 'reviewer')
                THEN subject LIKE 'person-%' AND subject NOT LIKE 'person-guest-%'
            WHEN role = 'representative' THEN subject LIKE 'person-guest-%'
            WHEN role = 'officer' THEN subject LIKE 'officer-%'
            WHEN role = 'auditor' THEN subject LIKE 'auditor-%'
            WHEN role = 'operator' THEN subject LIKE 'operator-%'
            ELSE 0
        END
    ),
    PRIMARY KEY (subject, role)
) STRICT, WITHOUT ROWID;

INSERT INTO account_roles_now (subject, role) SELECT subject, role FROM account_roles;
DROP TABLE account_roles;
ALTER TABLE account_roles_now RENAME TO account_roles;

CREATE TABLE sessions_now (
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
    CHECK (strength <> 'guest' OR subject LIKE 'person-guest-%'),
    CHECK ((strength = 'guest') = (contract IS NOT NULL)),
    CHECK ((strength = 'guest') = (party IS NOT NULL))
) STRICT;

INSERT INTO sessions_now (id, subject, strength, opened, seen, until, address, agent, contract, party, ended)
    SELECT id, subject, strength, opened, seen, until, address, agent, contract, party, ended FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_now RENAME TO sessions;
CREATE INDEX sessions_of ON sessions (subject) WHERE ended IS NULL;
CREATE INDEX sessions_over ON sessions (until);

CREATE TRIGGER accounts_from_outside_represent BEFORE INSERT ON accounts
WHEN NEW.subject LIKE 'person-guest-%' AND NOT EXISTS (SELECT 1 FROM representatives WHERE subject = NEW.subject)
BEGIN SELECT RAISE(ABORT, 'a guest has no account'); END;

CREATE TRIGGER sessions_of_guests_and_accounts BEFORE INSERT ON sessions
WHEN NEW.strength <> 'guest' AND NEW.subject LIKE 'person-guest-%'
    AND NOT EXISTS (SELECT 1 FROM accounts WHERE subject = NEW.subject)
BEGIN SELECT RAISE(ABORT, 'a guest has no account'); END;

CREATE TRIGGER accounts_left_for_good BEFORE UPDATE ON accounts
WHEN OLD.state = 'left' AND (NEW.state <> 'left' OR NEW.password IS NOT NULL OR NEW.totp IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'an account that was closed stays closed'); END;

CREATE TRIGGER accounts_change_their_plans AFTER UPDATE OF state ON accounts WHEN NEW.state <> OLD.state
BEGIN
    INSERT INTO reminder_touched (person) VALUES (NEW.subject) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER administrators_have_no_account BEFORE INSERT ON administrators
WHEN EXISTS (SELECT 1 FROM accounts WHERE login = NEW.login)
    OR EXISTS (SELECT 1 FROM people WHERE email = NEW.email COLLATE NOCASE)
BEGIN SELECT RAISE(ABORT, 'administrators: has an account in the portal'); END;

CREATE TRIGGER accounts_of_no_administrator BEFORE INSERT ON accounts
WHEN EXISTS (SELECT 1 FROM administrators WHERE login = NEW.login)
BEGIN SELECT RAISE(ABORT, 'administrators: has the login'); END;

CREATE TRIGGER accounts_become_no_administrators BEFORE UPDATE OF login ON accounts
WHEN EXISTS (SELECT 1 FROM administrators WHERE login = NEW.login)
BEGIN SELECT RAISE(ABORT, 'administrators: has the login'); END;

CREATE TRIGGER review_waivers_by_reviewers BEFORE INSERT ON review_waivers
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
BEGIN SELECT RAISE(ABORT, 'only a reviewer who is not the initiator waives a finding'); END;

CREATE TRIGGER review_sign_offs_by_reviewers BEFORE INSERT ON review_sign_offs
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
BEGIN SELECT RAISE(ABORT, 'only a reviewer who is not the initiator signs a check off'); END;

CREATE TRIGGER review_approvals_by_reviewers BEFORE INSERT ON review_approvals
WHEN NEW.by = (SELECT c.initiator FROM contracts c JOIN review_requests r ON r.contract = c.id WHERE r.id = NEW.request)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
BEGIN SELECT RAISE(ABORT, 'only a reviewer who is not the initiator approves a step of a review'); END;
