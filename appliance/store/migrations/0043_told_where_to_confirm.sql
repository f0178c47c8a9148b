-- Whoever could sign or decide here before that was confirmed on the activation service's page reads once that it is
-- now: `told` is 0 until then.
ALTER TABLE accounts ADD COLUMN told INTEGER NOT NULL DEFAULT 1 CHECK (told IN (0, 1));
UPDATE accounts SET told = 0
WHERE state IN ('active', 'suspended') AND (subject LIKE 'person-%' OR subject LIKE 'officer-%');
