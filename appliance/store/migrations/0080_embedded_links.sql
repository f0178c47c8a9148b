-- Origins of other software's pages in which links of an API client may be embedded.
ALTER TABLE api_clients ADD COLUMN origins TEXT NOT NULL DEFAULT '[]' CHECK (json_type(origins) = 'array');

-- Links of outside signers that open in a frame of one origin. Each takes the code of its invitation once.
CREATE TABLE embedded_links (
    id         TEXT PRIMARY KEY CHECK (length(id) = 32),
    invitation TEXT NOT NULL REFERENCES guest_invitations (id),
    contract   TEXT NOT NULL REFERENCES contracts (id),
    party      TEXT NOT NULL REFERENCES parties (id),
    client     TEXT NOT NULL REFERENCES api_clients (id),
    origin     TEXT NOT NULL,
    made       TEXT NOT NULL,
    used       TEXT,
    ended      TEXT
) STRICT;
CREATE UNIQUE INDEX embedded_links_one ON embedded_links (party) WHERE ended IS NULL;
CREATE INDEX embedded_links_of_contract ON embedded_links (contract);
CREATE INDEX embedded_links_of_invitation ON embedded_links (invitation);

-- A session with a value is one of this link's frame, and of no page.
ALTER TABLE sessions ADD COLUMN embedded TEXT REFERENCES embedded_links (id);
CREATE INDEX sessions_embedded ON sessions (embedded) WHERE embedded IS NOT NULL;
