-- What one person activates at once: their own signatures, uses of seals that they ask for, and those that they approve.
-- So the same intent may be in the batch of whoever asks and in those of its custodians.
CREATE TABLE batch_members (
    batch  TEXT NOT NULL,
    place  INTEGER NOT NULL,
    person TEXT NOT NULL,
    intent TEXT NOT NULL REFERENCES intents (id),
    PRIMARY KEY (batch, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_members_of_intent ON batch_members (intent, person);
INSERT INTO batch_members (batch, place, person, intent)
SELECT batch, batch_place, json_extract(act, '$.signer'), id FROM intents WHERE batch IS NOT NULL;
DROP INDEX intents_of_batch;
ALTER TABLE intents DROP COLUMN batch;
ALTER TABLE intents DROP COLUMN batch_place;
