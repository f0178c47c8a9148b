-- From which networks somebody has signed in with a login: SHA-256 of both. Who guesses from elsewhere keeps nobody
-- out who comes from one of them.
CREATE TABLE known_networks (
    key  TEXT PRIMARY KEY,
    last TEXT NOT NULL
) STRICT;

CREATE INDEX known_networks_old ON known_networks (last);

-- Counts by login alone are counts by login and network now; nobody goes on waiting for what was guessed elsewhere.
DELETE FROM throttle;
