-- A passkey that was removed stays known by its id and counter: it signs nothing any more, and is not registered again.
ALTER TABLE passkeys ADD COLUMN removed TEXT;

CREATE TRIGGER passkeys_stay_known BEFORE DELETE ON passkeys
BEGIN SELECT RAISE(ABORT, 'a passkey is removed, not forgotten'); END;

CREATE TRIGGER passkeys_are_removed_for_good BEFORE UPDATE ON passkeys WHEN OLD.removed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a passkey that was removed does not come back'); END;
