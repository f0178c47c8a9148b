-- Who administrates the machine has a database of their own; here stands only who they are, so that no account and
-- nobody who is named in a contract can be one of them, nor the other way round. One human, one login, one address.

CREATE TABLE administrators (
    login TEXT PRIMARY KEY CHECK (login = lower(login) AND length(login) BETWEEN 2 AND 64),
    email TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX administrators_one_address ON administrators (email COLLATE NOCASE);

CREATE TRIGGER administrators_have_no_account BEFORE INSERT ON administrators
WHEN EXISTS (SELECT 1 FROM accounts WHERE login = NEW.login)
    OR EXISTS (SELECT 1 FROM people WHERE email = NEW.email COLLATE NOCASE)
BEGIN SELECT RAISE(ABORT, 'administrators: has an account in the portal'); END;

CREATE TRIGGER administrators_keep_their_login BEFORE UPDATE ON administrators
BEGIN SELECT RAISE(ABORT, 'administrators: login and address stay'); END;

CREATE TRIGGER accounts_of_no_administrator BEFORE INSERT ON accounts
WHEN EXISTS (SELECT 1 FROM administrators WHERE login = NEW.login)
BEGIN SELECT RAISE(ABORT, 'administrators: has the login'); END;

CREATE TRIGGER accounts_become_no_administrators BEFORE UPDATE OF login ON accounts
WHEN EXISTS (SELECT 1 FROM administrators WHERE login = NEW.login)
BEGIN SELECT RAISE(ABORT, 'administrators: has the login'); END;

CREATE TRIGGER people_are_no_administrators BEFORE INSERT ON people
WHEN EXISTS (SELECT 1 FROM administrators WHERE email = NEW.email COLLATE NOCASE)
BEGIN SELECT RAISE(ABORT, 'administrators: has the address'); END;

CREATE TRIGGER people_become_no_administrators BEFORE UPDATE OF email ON people
WHEN EXISTS (SELECT 1 FROM administrators WHERE email = NEW.email COLLATE NOCASE)
BEGIN SELECT RAISE(ABORT, 'administrators: has the address'); END;

-- Which lines of the administration's journal are in the log already: each once, in their order.
CREATE TABLE journal_entries (
    journal TEXT NOT NULL CHECK (length(journal) = 16),
    number  INTEGER NOT NULL CHECK (number > 0),
    entry   INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (journal, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER journal_entries_stay BEFORE UPDATE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'entries of the log stay'); END;

CREATE TRIGGER journal_entries_are_kept BEFORE DELETE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'entries of the log stay'); END;
