-- What the use of a seal is asked for, from the form until the requester has confirmed the intent.
ALTER TABLE intents ADD COLUMN seal_reason TEXT;
