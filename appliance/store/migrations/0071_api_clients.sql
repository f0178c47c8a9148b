-- Programs of the enterprise that use the API. Of secrets and tokens only the SHA-256 is kept: both have 256 random bits.
CREATE TABLE api_clients (
    id            TEXT PRIMARY KEY CHECK (id GLOB 'client-????????????????' AND substr(id, 8) NOT GLOB '*[^0-9a-f]*'),
    name          TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
    scopes        TEXT NOT NULL CHECK (json_array_length(scopes) > 0),
    organisations TEXT NOT NULL CHECK (json_array_length(organisations) > 0),
    kinds         TEXT NOT NULL CHECK (json_type(kinds) = 'array'),
    state         TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    created       TEXT NOT NULL,
    last_used     TEXT,
    secret        BLOB CHECK (length(secret) = 32),
    old_secret    BLOB CHECK (length(old_secret) = 32),
    old_until     TEXT,
    keys          TEXT,
    certificate   TEXT UNIQUE CHECK (length(certificate) = 64),
    CHECK ((secret IS NOT NULL) + (keys IS NOT NULL) + (certificate IS NOT NULL) = 1),
    CHECK (old_secret IS NULL OR secret IS NOT NULL),
    CHECK ((old_secret IS NULL) = (old_until IS NULL))
) STRICT;

CREATE TABLE access_tokens (
    digest  BLOB PRIMARY KEY CHECK (length(digest) = 32),
    client  TEXT NOT NULL REFERENCES api_clients (id),
    scopes  TEXT NOT NULL CHECK (json_array_length(scopes) > 0),
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_tokens_over ON access_tokens (expires);
CREATE INDEX access_tokens_of ON access_tokens (client);

-- The ids (RFC 7519, 4.1.7) of assertions that were used, until these expire: none is used twice.
CREATE TABLE used_assertions (
    client  TEXT NOT NULL REFERENCES api_clients (id),
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    until   TEXT NOT NULL,
    PRIMARY KEY (client, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_assertions_over ON used_assertions (until);

-- Which client made the contract; NULL for what people drafted.
ALTER TABLE contracts ADD COLUMN api_client TEXT REFERENCES api_clients (id);
