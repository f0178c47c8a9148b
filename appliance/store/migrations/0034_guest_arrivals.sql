-- When the page of a guest's link was first opened: the initiator is told once that the guest waits for the code.
ALTER TABLE guest_invitations ADD COLUMN arrived TEXT;
