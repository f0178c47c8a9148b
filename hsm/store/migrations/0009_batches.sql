-- Approvals that one activation gave together: the root of the tree over the intents' challenges (RFC 6962), how many
-- there are, which one this is (from 0), and its audit path, lowest hash first.
CREATE TABLE batch_members (
    approval INTEGER PRIMARY KEY REFERENCES approvals (number),
    nonce BLOB NOT NULL CHECK (length(nonce) = 16),
    root BLOB NOT NULL CHECK (length(root) = 32),
    members INTEGER NOT NULL CHECK (members BETWEEN 2 AND 100),
    place INTEGER NOT NULL CHECK (place >= 0 AND place < members),
    path BLOB NOT NULL CHECK (length(path) % 32 = 0)
) STRICT;
CREATE INDEX batch_members_by_nonce ON batch_members (nonce);
CREATE TRIGGER batch_members_stay BEFORE UPDATE ON batch_members
BEGIN SELECT RAISE (ABORT, 'members of a batch are never changed'); END;
CREATE TRIGGER batch_members_remain BEFORE DELETE ON batch_members
BEGIN SELECT RAISE (ABORT, 'members of a batch are never deleted'); END;
