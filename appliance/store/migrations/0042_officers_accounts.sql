-- What a first officer has typed for the account, which opens with the passkey that this browser has made.
ALTER TABLE appointments ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE appointments ADD COLUMN password TEXT NOT NULL DEFAULT '';
ALTER TABLE appointments ADD COLUMN browser TEXT NOT NULL DEFAULT '';
