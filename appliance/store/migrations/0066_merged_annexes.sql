-- Annexes whose pages stand in the contract's document, after its own: the first of these pages (from 0), how many there
-- are, and at which byte of the document the update begins that brings them; all NULL for what lies beside it.
ALTER TABLE annexes ADD COLUMN first_page INTEGER CHECK (first_page >= 0);
ALTER TABLE annexes ADD COLUMN page_count INTEGER CHECK (page_count > 0);
ALTER TABLE annexes ADD COLUMN start INTEGER CHECK (start > 0);
