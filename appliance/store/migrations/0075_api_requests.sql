-- Requests of API clients that carry a key of their own, so that repeating one does nothing twice: what it was,
-- the id that what it makes gets, and its answer. `status` to `body` are NULL until it is answered; `claimed` is
-- NULL when it failed and whoever repeats it goes on.
CREATE TABLE api_requests (
    client  TEXT NOT NULL,
    key     TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    digest  TEXT NOT NULL CHECK (length(digest) = 64),
    chosen  TEXT NOT NULL CHECK (length(chosen) = 24),
    begun   TEXT NOT NULL,
    claimed TEXT,
    status  INTEGER CHECK (status BETWEEN 200 AND 299),
    headers TEXT CHECK (json_valid(headers)),
    body    BLOB,
    PRIMARY KEY (client, key),
    CHECK ((status IS NULL) = (body IS NULL) AND (status IS NULL) = (headers IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX api_requests_old ON api_requests (begun);

CREATE TRIGGER api_requests_answered_once BEFORE UPDATE ON api_requests WHEN OLD.status IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an answer that was kept never changes'); END;

-- Contracts that are not over, few among many: the API lists them by their state.
CREATE INDEX contracts_not_over ON contracts (number) WHERE state IN ('draft', 'sent', 'signed');
