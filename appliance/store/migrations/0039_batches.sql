-- Several signatures that one person activates at once: in which batch they were prepared and at which place, and what
-- the authority says of it (canonical JSON: count, place, root) once the signature is made.
ALTER TABLE intents ADD COLUMN batch TEXT;
ALTER TABLE intents ADD COLUMN batch_place INTEGER;
ALTER TABLE intents ADD COLUMN together TEXT;
CREATE INDEX intents_of_batch ON intents (batch) WHERE batch IS NOT NULL;
