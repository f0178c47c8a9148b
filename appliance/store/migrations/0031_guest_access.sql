-- Every link that a guest was ever sent leads to the same page, where the guest signs in: `revoked` is when one was
-- ended for good, because it went to a wrong address. `asked` is when the guest last asked the initiator for a code.
ALTER TABLE guest_invitations ADD COLUMN revoked TEXT;
ALTER TABLE guest_invitations ADD COLUMN asked TEXT;
