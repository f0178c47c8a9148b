-- Users of the organisation's directories, and who they are here.
CREATE TABLE directory_users (
    id         TEXT PRIMARY KEY CHECK (length(id) = 32),
    source     TEXT NOT NULL CHECK (source IN ('ldap', 'scim', 'openid')),
    key        TEXT NOT NULL,
    login      TEXT NOT NULL,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL,
    department TEXT NOT NULL,
    manager    TEXT NOT NULL,
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    groups     TEXT NOT NULL CHECK (json_type(groups) = 'array'),
    subject    TEXT REFERENCES people (subject),
    problem    TEXT,
    removed    TEXT,
    -- When the account last departed, also where the user has come back since.
    departed   TEXT,
    made       TEXT NOT NULL,
    changed    TEXT NOT NULL,
    UNIQUE (source, key)
) STRICT;
CREATE UNIQUE INDEX directory_users_one ON directory_users (subject) WHERE subject IS NOT NULL;
CREATE INDEX directory_users_by_login ON directory_users (source, login COLLATE NOCASE);
CREATE INDEX directory_users_by_email ON directory_users (email COLLATE NOCASE);
CREATE INDEX directory_users_by_manager ON directory_users (source, manager) WHERE manager <> '';
CREATE INDEX directory_users_departed ON directory_users (source, departed) WHERE departed IS NOT NULL;
CREATE INDEX directory_users_with_problems ON directory_users (source, id) WHERE problem IS NOT NULL;

-- No directory reaches who registers people, nor anybody from outside.
CREATE TRIGGER directory_users_are_no_officers BEFORE INSERT ON directory_users
WHEN NEW.subject LIKE 'officer-%' OR NEW.subject LIKE 'person-guest-%'
BEGIN SELECT RAISE(ABORT, 'no directory has officers'); END;

CREATE TRIGGER directory_users_become_no_officers BEFORE UPDATE OF subject ON directory_users
WHEN NEW.subject LIKE 'officer-%' OR NEW.subject LIKE 'person-guest-%'
BEGIN SELECT RAISE(ABORT, 'no directory has officers'); END;

-- The resources that a SCIM client pushes (RFC 7643), as it sent them. A user's key in directory_users is the id.
CREATE TABLE scim_users (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
    -- As names are compared: without regard to case.
    login       TEXT NOT NULL UNIQUE,
    external_id TEXT,
    content     TEXT NOT NULL CHECK (json_type(content) = 'object'),
    version     INTEGER NOT NULL,
    made        TEXT NOT NULL,
    changed     TEXT NOT NULL
) STRICT;
CREATE INDEX scim_users_by_external_id ON scim_users (external_id) WHERE external_id IS NOT NULL;

CREATE TABLE scim_groups (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
    name        TEXT NOT NULL,
    -- As names are compared.
    compared    TEXT NOT NULL,
    external_id TEXT,
    content     TEXT NOT NULL CHECK (json_type(content) = 'object'),
    version     INTEGER NOT NULL,
    made        TEXT NOT NULL,
    changed     TEXT NOT NULL
) STRICT;
CREATE INDEX scim_groups_by_name ON scim_groups (compared);
CREATE INDEX scim_groups_by_external_id ON scim_groups (external_id) WHERE external_id IS NOT NULL;

-- Users and groups that are members of groups.
CREATE TABLE scim_members (
    "group" TEXT NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
    member  TEXT NOT NULL,
    PRIMARY KEY ("group", member)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_members_of ON scim_members (member);

-- Users whose groups have changed, while their accounts do not follow that yet.
CREATE TABLE scim_unfollowed (
    id TEXT PRIMARY KEY REFERENCES scim_users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Synchronisations, the newest of which are kept.
CREATE TABLE directory_rounds (
    number  INTEGER PRIMARY KEY,
    source  TEXT NOT NULL CHECK (source IN ('ldap', 'scim', 'openid')),
    began   TEXT NOT NULL,
    ended   TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'held', 'failed')),
    counts  TEXT NOT NULL CHECK (json_type(counts) = 'object'),
    problem TEXT NOT NULL,
    -- SHA-256 of the settings by which accounts were compared; empty where none were.
    rules   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX directory_rounds_of ON directory_rounds (source, number);

-- What waits for two administrators.
CREATE TABLE directory_held (
    user  TEXT PRIMARY KEY REFERENCES directory_users (id),
    kind  TEXT NOT NULL CHECK (kind IN ('removal', 'duty', 'link')),
    -- What exactly: the account that would be linked, or duty and mail address of one that would be opened.
    about TEXT NOT NULL DEFAULT '',
    since TEXT NOT NULL,
    -- When two administrators agreed, until it is done.
    released TEXT
) STRICT;
CREATE INDEX directory_held_by_kind ON directory_held (kind, user);
CREATE INDEX directory_held_released ON directory_held (user) WHERE released IS NOT NULL;

-- People whom their directory has disabled or removed. The account is suspended meanwhile; officers end the certificate,
-- which makes it final, or the directory has them again.
CREATE TABLE departures (
    subject TEXT PRIMARY KEY REFERENCES accounts (subject),
    since   TEXT NOT NULL,
    source  TEXT NOT NULL CHECK (source IN ('ldap', 'scim', 'openid')),
    -- What the account was before.
    was     TEXT NOT NULL CHECK (was IN ('invited', 'active', 'suspended', 'left')),
    -- When their open work was offered to the manager.
    offered TEXT
) STRICT;
CREATE INDEX departures_to_offer ON departures (subject) WHERE offered IS NULL;

-- A person's manager, as the directory says.
ALTER TABLE people ADD COLUMN manager TEXT REFERENCES people (subject);
CREATE INDEX people_managed_by ON people (manager) WHERE manager IS NOT NULL;
-- The name that the directory has for somebody whose certificate has another one.
ALTER TABLE people ADD COLUMN directory_name TEXT;

-- Whom an identity provider's ID tokens name.
CREATE TABLE sign_on_identities (
    issuer  TEXT NOT NULL,
    sub     TEXT NOT NULL,
    subject TEXT NOT NULL REFERENCES people (subject),
    first   TEXT NOT NULL,
    last    TEXT NOT NULL,
    PRIMARY KEY (issuer, sub)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sign_on_identities_one ON sign_on_identities (subject, issuer);

CREATE TRIGGER sign_on_identities_of_people BEFORE INSERT ON sign_on_identities
WHEN NEW.subject NOT LIKE 'person-%' OR NEW.subject LIKE 'person-guest-%'
BEGIN SELECT RAISE(ABORT, 'only people of the house who sign use single sign-on'); END;


-- Since when an identity provider does not answer the portal; without a row it does.
CREATE TABLE sign_on_failures (
    issuer  TEXT PRIMARY KEY,
    since   TEXT NOT NULL,
    at      TEXT NOT NULL,
    problem TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Triggers that name the tables that are made anew.
DROP TRIGGER accounts_from_outside_represent;
DROP TRIGGER accounts_left_for_good;
DROP TRIGGER accounts_change_their_plans;
DROP TRIGGER accounts_of_no_administrator;
DROP TRIGGER accounts_become_no_administrators;
DROP TRIGGER administrators_have_no_account;
DROP TRIGGER sessions_of_guests_and_accounts;

-- An account that came from a directory needs no password of its own where people sign in through the identity provider.
CREATE TABLE accounts_now (
    subject     TEXT PRIMARY KEY REFERENCES people (subject),
    login       TEXT NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 2 AND 64),
    state       TEXT NOT NULL CHECK (state IN ('invited', 'active', 'suspended', 'left')),
    handle      BLOB NOT NULL UNIQUE CHECK (length(handle) = 16),
    password    TEXT CHECK (password LIKE '$argon2id$%'),
    totp        BLOB,
    totp_step   INTEGER NOT NULL DEFAULT 0,
    invited     TEXT NOT NULL,
    told        INTEGER NOT NULL DEFAULT 1 CHECK (told IN (0, 1)),
    single_sign_on INTEGER NOT NULL DEFAULT 0 CHECK (single_sign_on IN (0, 1)),
    CHECK (state <> 'active' OR password IS NOT NULL OR single_sign_on = 1),
    CHECK (single_sign_on = 0 OR (subject LIKE 'person-%' AND subject NOT LIKE 'person-guest-%'))
) STRICT;

INSERT INTO accounts_now (subject, login, state, handle, password, totp, totp_step, invited, told)
    SELECT subject, login, state, handle, password, totp, totp_step, invited, told FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_now RENAME TO accounts;
CREATE INDEX accounts_suspended ON accounts (subject) WHERE state = 'suspended';

CREATE TABLE sessions_now (
    id       BLOB PRIMARY KEY CHECK (length(id) = 32),
    subject  TEXT NOT NULL REFERENCES people (subject),
    strength TEXT NOT NULL CHECK (strength IN ('passkey', 'password-and-code', 'single-sign-on', 'guest')),
    opened   TEXT NOT NULL,
    seen     TEXT NOT NULL,
    until    TEXT NOT NULL,
    address  TEXT NOT NULL,
    agent    TEXT NOT NULL,
    contract TEXT,
    party    TEXT,
    ended    TEXT,
    embedded TEXT REFERENCES embedded_links (id),
    CHECK (strength <> 'guest' OR subject LIKE 'person-guest-%'),
    CHECK (strength <> 'single-sign-on' OR (subject LIKE 'person-%' AND subject NOT LIKE 'person-guest-%')),
    CHECK ((strength = 'guest') = (contract IS NOT NULL)),
    CHECK ((strength = 'guest') = (party IS NOT NULL))
) STRICT;

INSERT INTO sessions_now (id, subject, strength, opened, seen, until, address, agent, contract, party, ended, embedded)
    SELECT id, subject, strength, opened, seen, until, address, agent, contract, party, ended, embedded FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_now RENAME TO sessions;
CREATE INDEX sessions_of ON sessions (subject) WHERE ended IS NULL;
CREATE INDEX sessions_over ON sessions (until);
CREATE INDEX sessions_embedded ON sessions (embedded) WHERE embedded IS NOT NULL;

-- What the identity provider calls a session that it opened, for its logout.
CREATE TABLE sign_on_sessions (
    session BLOB PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    issuer  TEXT NOT NULL,
    sub     TEXT NOT NULL,
    sid     TEXT NOT NULL,
    sign_out TEXT NOT NULL
) STRICT;
CREATE INDEX sign_on_sessions_of ON sign_on_sessions (issuer, sub);
CREATE INDEX sign_on_sessions_sid ON sign_on_sessions (issuer, sid);

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

-- Who is gone, as far as their work is concerned.
CREATE VIEW gone AS
    SELECT subject FROM departures UNION ALL SELECT subject FROM accounts WHERE state = 'left';

-- An identity is one person's for good: who is back after leaving for good has another account, and the same identity.
CREATE TRIGGER sign_on_identities_stay BEFORE UPDATE OF subject ON sign_on_identities
WHEN NEW.subject <> OLD.subject AND NOT EXISTS
    (SELECT 1 FROM accounts WHERE subject = OLD.subject AND state = 'left')
BEGIN SELECT RAISE(ABORT, 'an identity is one person''s while their account goes on'); END;

CREATE TRIGGER sign_on_identities_remain_of_people BEFORE UPDATE OF subject ON sign_on_identities
WHEN NEW.subject NOT LIKE 'person-%' OR NEW.subject LIKE 'person-guest-%'
BEGIN SELECT RAISE(ABORT, 'only people of the house who sign use single sign-on'); END;

-- A session through the identity provider is one of an account that signs in so, and that is in use.
CREATE TRIGGER sessions_of_single_sign_on BEFORE INSERT ON sessions
WHEN NEW.strength = 'single-sign-on' AND NOT EXISTS
    (SELECT 1 FROM accounts WHERE subject = NEW.subject AND single_sign_on = 1 AND state = 'active')
BEGIN SELECT RAISE(ABORT, 'the account does not use single sign-on'); END;

-- The manager of whoever started a contract takes a step of its review without the role of a reviewer: the approval is of
-- no department then. Managers are the initiator's own, that one's, and the next one above.
DROP TRIGGER review_approvals_by_reviewers;
DROP TRIGGER review_waivers_by_reviewers;
DROP TRIGGER review_sign_offs_by_reviewers;

CREATE VIEW managers_above AS
    SELECT p.subject, p.manager, 1 AS height FROM people p WHERE p.manager IS NOT NULL
    UNION ALL
    SELECT p.subject, m.manager, 2 FROM people p JOIN people m ON m.subject = p.manager WHERE m.manager IS NOT NULL
    UNION ALL
    SELECT p.subject, n.manager, 3 FROM people p JOIN people m ON m.subject = p.manager
        JOIN people n ON n.subject = m.manager WHERE n.manager IS NOT NULL;

CREATE TRIGGER review_approvals_by_reviewers BEFORE INSERT ON review_approvals
WHEN NEW.by = (SELECT c.initiator FROM contracts c JOIN review_requests r ON r.contract = c.id WHERE r.id = NEW.request)
    OR CASE NEW.department
        WHEN '' THEN NEW.by NOT IN (SELECT a.manager FROM review_requests r JOIN contracts c ON c.id = r.contract
            JOIN managers_above a ON a.subject = c.initiator WHERE r.id = NEW.request)
        ELSE NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer') END
BEGIN SELECT RAISE(ABORT, 'only a reviewer or manager who is not the initiator approves a step of a review'); END;

CREATE TRIGGER review_waivers_by_reviewers BEFORE INSERT ON review_waivers
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
    AND NEW.by NOT IN (SELECT a.manager FROM contracts c JOIN managers_above a ON a.subject = c.initiator
        WHERE c.id = NEW.contract)
BEGIN SELECT RAISE(ABORT, 'only a reviewer or manager who is not the initiator waives a finding'); END;

-- A manager signs a check off by having approved the last step.
CREATE TRIGGER review_sign_offs_by_reviewers BEFORE INSERT ON review_sign_offs
WHEN NEW.by = (SELECT initiator FROM contracts WHERE id = NEW.contract)
    OR NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = NEW.by AND role = 'reviewer')
    AND NOT EXISTS (SELECT 1 FROM review_requests r JOIN review_approvals a ON a.request = r.id
        WHERE r.contract = NEW.contract AND r.state = 'open' AND a.department = '' AND a.by = NEW.by)
BEGIN SELECT RAISE(ABORT, 'only a reviewer or manager who is not the initiator signs a check off'); END;
