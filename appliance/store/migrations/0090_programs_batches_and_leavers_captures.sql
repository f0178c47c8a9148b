-- Batches that a program handed in: who has declared all of it, and on which day the program's house obtained that.
ALTER TABLE deposit_batches ADD COLUMN client TEXT;
ALTER TABLE deposit_batches ADD COLUMN declarer TEXT REFERENCES people (subject);
ALTER TABLE deposit_batches ADD COLUMN obtained TEXT CHECK ((obtained IS NULL) = (declarer IS NULL));
CREATE INDEX deposit_batches_of_client ON deposit_batches (client, created) WHERE client IS NOT NULL;

-- The code of the refusal, for programs.
ALTER TABLE deposit_batch_rows ADD COLUMN code TEXT;

-- Who ordered a capture or a plan that a colleague has taken over since, because they left.
ALTER TABLE captures ADD COLUMN orderer TEXT REFERENCES people (subject);
ALTER TABLE capture_schedules ADD COLUMN orderer TEXT REFERENCES people (subject);
