-- A guest's link works once: `used` is when. `opened` goes with the guest from link to link, as do round and tries.
ALTER TABLE guest_invitations ADD COLUMN used TEXT;
UPDATE guest_invitations SET used = opened;
