-- The language in which signatures are worded on the document: the initiator's, until the initiator chooses another.

ALTER TABLE contracts ADD COLUMN language TEXT NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en'));

UPDATE contracts SET language = coalesce((SELECT language FROM people WHERE subject = contracts.initiator), 'zh');
