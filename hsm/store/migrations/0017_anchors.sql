-- Anchors for outside signers that officers have approved, and the authority's signed statements of that.
CREATE TABLE anchor_statements (
    anchor TEXT PRIMARY KEY,
    statement BLOB NOT NULL,
    cms BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER anchor_statements_stay BEFORE UPDATE ON anchor_statements
BEGIN SELECT RAISE (ABORT, 'statements are never changed'); END;
CREATE TRIGGER anchor_statements_remain BEFORE DELETE ON anchor_statements
BEGIN SELECT RAISE (ABORT, 'statements are never deleted'); END;
