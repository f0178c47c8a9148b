-- The annexes that versions of templates keep (template_versions.parties says which): they stay, as the versions do.
CREATE TABLE template_documents (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
