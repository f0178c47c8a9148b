-- What grows with the contracts and was read whole: guests among the people, requests for seals, short words.

CREATE INDEX people_members ON people (subject) WHERE guest = 0;
CREATE INDEX people_members_by_name ON people (name, subject) WHERE guest = 0;
CREATE INDEX people_members_of ON people (organisation, name, subject) WHERE guest = 0;

CREATE INDEX seal_requests_of_requester ON seal_requests (requester, asked);
CREATE INDEX seal_requests_by_seal ON seal_requests (seal, asked);

-- Search for one or two signs, too short for trigrams: one token for each sign and for each pair of neighbours, and
-- one for each involved person (appliance/store/grams.py). Contracts from before get theirs by Truth.complete.
CREATE VIRTUAL TABLE contract_grams USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
