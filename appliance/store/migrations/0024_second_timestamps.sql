-- What became of the second timestamp, by an authority outside: "dated", or one word why the signature has none.
-- NULL where no such authority was configured.
ALTER TABLE intents ADD COLUMN outside TEXT;
