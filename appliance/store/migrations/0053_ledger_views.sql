-- The contract ledger: more of its indexes, and its saved views.

CREATE INDEX contracts_by_created ON contracts (created, number);
CREATE INDEX contracts_by_state ON contracts (state, number);
CREATE INDEX contracts_by_currency ON contracts (currency, number) WHERE currency IS NOT NULL;
CREATE INDEX contracts_by_department ON contracts (department, number) WHERE department <> '';

-- Views that somebody has saved. `organisation`: the owner's, by the key of its name; `department`: with which one
-- it is shared, NULL for nobody; `role`: with those of one role there, empty for all of it.
CREATE TABLE ledger_views (
    id           INTEGER PRIMARY KEY,
    owner        TEXT NOT NULL REFERENCES people (subject),
    name         TEXT NOT NULL CHECK (name <> ''),
    query        TEXT NOT NULL,
    organisation TEXT NOT NULL,
    department   TEXT,
    role         TEXT NOT NULL DEFAULT '',
    made         TEXT NOT NULL,
    UNIQUE (owner, name)
) STRICT;
CREATE INDEX ledger_views_shared ON ledger_views (organisation, department) WHERE department IS NOT NULL;
