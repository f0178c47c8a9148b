-- Files that belong to a contract and lie beside its document; their bytes are blobs, by digest.
CREATE TABLE annexes (
    id       TEXT PRIMARY KEY,
    contract TEXT NOT NULL REFERENCES contracts (id),
    name     TEXT NOT NULL CHECK (name <> ''),
    digest   TEXT NOT NULL,
    size     INTEGER NOT NULL CHECK (size > 0),
    at       TEXT NOT NULL,
    UNIQUE (contract, digest)
) STRICT;

CREATE INDEX annexes_of_digest ON annexes (digest);
