-- The page on which a registration has begun: who opens one again and again takes no other's place.
ALTER TABLE registrations ADD COLUMN form TEXT NOT NULL DEFAULT '';
