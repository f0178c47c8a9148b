-- The log: entries, their Merkle tree (RFC 6962), the signed checkpoints, and the timestamps that were issued.

-- One row is one leaf, as it is hashed. `number` is its index in the tree: writers are serialised, rows are never
-- removed, so the order of commits is the order of the log, without gaps.
CREATE TABLE ledger (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    leaf   BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65535)
) STRICT;

CREATE TRIGGER ledger_has_no_gaps BEFORE INSERT ON ledger
WHEN NEW.number <> (SELECT coalesce(max(number), -1) + 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the log grows by one entry at its end'); END;
CREATE TRIGGER ledger_is_kept BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'an entry of the log is never rewritten'); END;
CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'an entry of the log is never deleted'); END;

-- The salts and values behind an entry's commitments. May be erased (a person's right); never altered.
CREATE TABLE openings (
    entry  INTEGER PRIMARY KEY REFERENCES ledger (number),
    fields BLOB NOT NULL
) STRICT;

CREATE TRIGGER openings_are_kept BEFORE UPDATE ON openings
BEGIN SELECT RAISE(ABORT, 'an opening is never rewritten'); END;

-- Hashes of complete subtrees, in the order in which they become complete: the one of leaves [start, end) has the
-- number 2(end-1) - ones(end-1) + log2(end-start), where ones counts the bits that are set.
CREATE TABLE subtrees (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER subtrees_are_kept BEFORE UPDATE ON subtrees
BEGIN SELECT RAISE(ABORT, 'a hash of the log is never rewritten'); END;
CREATE TRIGGER subtrees_stay BEFORE DELETE ON subtrees
BEGIN SELECT RAISE(ABORT, 'a hash of the log is never deleted'); END;

-- What the authority signed. `stamp` is the entry of the timestamp over `note`.
CREATE TABLE checkpoints (
    size  INTEGER PRIMARY KEY CHECK (size > 0),
    root  BLOB NOT NULL CHECK (length(root) = 32),
    note  BLOB NOT NULL,
    token BLOB NOT NULL,
    stamp INTEGER NOT NULL UNIQUE REFERENCES ledger (number)
) STRICT;

CREATE TRIGGER checkpoints_are_kept BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never rewritten'); END;
CREATE TRIGGER checkpoints_stay BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;

-- Every timestamp that was ever issued, by its serial number (20 bytes, big-endian).
CREATE TABLE timestamps (
    serial BLOB PRIMARY KEY CHECK (length(serial) = 20),
    entry  INTEGER NOT NULL REFERENCES ledger (number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER timestamps_are_kept BEFORE UPDATE ON timestamps
BEGIN SELECT RAISE(ABORT, 'an issued timestamp is never rewritten'); END;
CREATE TRIGGER timestamps_stay BEFORE DELETE ON timestamps
BEGIN SELECT RAISE(ABORT, 'an issued timestamp is never deleted'); END;
