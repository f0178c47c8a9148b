-- What is deleted from the index of words is overwritten at once, not only marked.
INSERT INTO contract_search (contract_search, rank) VALUES ('secure-delete', 1);
