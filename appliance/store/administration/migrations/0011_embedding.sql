-- Origins of other software's pages in which links of an API client may be embedded.
ALTER TABLE api_clients ADD COLUMN origins TEXT NOT NULL DEFAULT '[]';
