-- What an administrator chose; nothing until then, and the browser is asked.
ALTER TABLE administrators ADD COLUMN language TEXT CHECK (language IN ('zh', 'en'));
