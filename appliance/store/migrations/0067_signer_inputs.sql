-- What signers fill in before they sign: a text, a date or a choice. places is a JSON array of [page, x, y, width, height].
CREATE TABLE signer_inputs (
    id       TEXT PRIMARY KEY,
    party    TEXT NOT NULL REFERENCES parties (id),
    number   INTEGER NOT NULL CHECK (number >= 1),
    kind     TEXT NOT NULL CHECK (kind IN ('text', 'date', 'choice')),
    label    TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    required INTEGER NOT NULL CHECK (required IN (0, 1)),
    most     INTEGER NOT NULL,
    choices  TEXT NOT NULL CHECK (json_type(choices) = 'array'),
    places   TEXT NOT NULL CHECK (json_type(places) = 'array'),
    value    TEXT NOT NULL DEFAULT '' CHECK (length(value) <= 500),
    UNIQUE (party, number)
) STRICT;
