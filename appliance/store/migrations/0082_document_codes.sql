-- Document codes (查验码): by one, whoever has a contract on paper or as a file asks what became of it. Contracts that were sent before get theirs
-- here: twelve of the 31 signs of appliance/model/document_codes.py, from SQLite's generator, which the operating system seeds.
CREATE TABLE document_codes (
    code     TEXT PRIMARY KEY,
    contract TEXT NOT NULL UNIQUE REFERENCES contracts (id)
) STRICT;

WITH signs (all_of_them) AS (VALUES ('0123456789ABCDEFGHJKLMNPQRTUWXY'))
INSERT INTO document_codes (code, contract)
SELECT
    substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1)
    || substr(all_of_them, 1 + (random() & 4611686018427387903) % 31, 1),
    id
FROM contracts, signs
WHERE state NOT IN ('draft', 'discarded')
    AND id NOT IN (SELECT contract FROM disposals WHERE state = 'done');
