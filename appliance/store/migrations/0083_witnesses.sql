-- What outside witnesses said of the log (C2SP tlog-cosignature). `line` is a signature line of a note, with its newline.
CREATE TABLE cosignatures (
    number  INTEGER PRIMARY KEY,
    size    INTEGER NOT NULL REFERENCES checkpoints (size),
    -- The witness's key, as a vkey.
    witness TEXT NOT NULL,
    line    TEXT NOT NULL CHECK (line LIKE '— %' AND instr(line, char(10)) = length(line)),
    -- When it cosigned, as it says.
    at      TEXT NOT NULL,
    UNIQUE (size, witness)
) STRICT;

CREATE TRIGGER cosignatures_are_kept BEFORE UPDATE ON cosignatures
BEGIN SELECT RAISE(ABORT, 'a cosignature is never rewritten'); END;
CREATE TRIGGER cosignatures_stay BEFORE DELETE ON cosignatures
BEGIN SELECT RAISE(ABORT, 'a cosignature is never deleted'); END;

-- Checkpoints that met the quorum of the policy that was in force.
CREATE TABLE witnessed_checkpoints (
    size INTEGER PRIMARY KEY REFERENCES checkpoints (size),
    at   TEXT NOT NULL
) STRICT;

CREATE TRIGGER witnessed_checkpoints_are_kept BEFORE UPDATE ON witnessed_checkpoints
BEGIN SELECT RAISE(ABORT, 'what was witnessed is never rewritten'); END;
CREATE TRIGGER witnessed_checkpoints_stay BEFORE DELETE ON witnessed_checkpoints
BEGIN SELECT RAISE(ABORT, 'what was witnessed is never deleted'); END;

-- How each witness of the policy stands. `size` and `cosigned` are of the last cosignature; `problem` is what came of the
-- last try, `said` the words of it, `since` when that began; nothing is handed in before `retry_at`.
CREATE TABLE witness_states (
    witness  TEXT PRIMARY KEY,
    size     INTEGER,
    cosigned TEXT,
    asked    TEXT NOT NULL,
    problem  TEXT CHECK (problem IN ('unreachable', 'unknown-log', 'not-signed', 'forked', 'bad-answer', 'refused')),
    said     TEXT NOT NULL,
    since    TEXT,
    failures INTEGER NOT NULL,
    refusals INTEGER NOT NULL,
    retry_at TEXT,
    CHECK ((size IS NULL) = (cosigned IS NULL)),
    CHECK ((problem IS NULL) = (since IS NULL))
) STRICT;
