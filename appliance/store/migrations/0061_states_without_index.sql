-- SQLite took this index for a selective one, and read every completed contract for each row of a list.
DROP INDEX contracts_by_state;
