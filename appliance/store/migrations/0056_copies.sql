-- People with accounts who may read a contract once it is sent, and are told when it is completed (抄送).
CREATE TABLE copies (
    contract TEXT NOT NULL REFERENCES contracts (id),
    person   TEXT NOT NULL REFERENCES people (subject),
    at       TEXT NOT NULL,
    PRIMARY KEY (contract, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX copies_of_person ON copies (person);
