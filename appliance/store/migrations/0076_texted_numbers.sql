-- Which number a text message went to, for a day: a digest with a key that is not in the database, so that no number is kept.
CREATE TABLE texted_numbers (
    message TEXT PRIMARY KEY,
    number  BLOB NOT NULL CHECK (length(number) = 32),
    at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX texted_numbers_of ON texted_numbers (number, at);
CREATE INDEX texted_numbers_old ON texted_numbers (at);
