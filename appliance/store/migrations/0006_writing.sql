-- Texts being written, and templates. A template's versions are never rewritten: they are what contracts were
-- made from. Merge fields are JSON arrays of objects (appliance/store/writing.py).

CREATE TABLE templates (
    id           TEXT PRIMARY KEY CHECK (length(id) = 24),
    organisation TEXT NOT NULL,
    name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind         TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 80),
    language     TEXT NOT NULL CHECK (language IN ('zh', 'en')),
    retired      TEXT
) STRICT;

CREATE INDEX templates_by_organisation ON templates (organisation, name);

CREATE TABLE template_versions (
    template TEXT NOT NULL REFERENCES templates (id),
    number   INTEGER NOT NULL CHECK (number >= 1),
    html     TEXT NOT NULL,
    fields   TEXT NOT NULL CHECK (json_type(fields) = 'array'),
    at       TEXT NOT NULL,
    author   TEXT NOT NULL REFERENCES people (subject),
    PRIMARY KEY (template, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER template_versions_follow BEFORE INSERT ON template_versions
WHEN NEW.number <> 1 + (SELECT count(*) FROM template_versions WHERE template = NEW.template)
BEGIN SELECT RAISE(ABORT, 'versions are numbered without gaps'); END;

CREATE TRIGGER template_versions_stay BEFORE UPDATE ON template_versions
BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;

CREATE TRIGGER template_versions_remain BEFORE DELETE ON template_versions
BEGIN SELECT RAISE(ABORT, 'a published version is never removed'); END;

CREATE TABLE texts (
    id         TEXT PRIMARY KEY CHECK (length(id) = 24),
    owner      TEXT NOT NULL REFERENCES people (subject),
    purpose    TEXT NOT NULL CHECK (purpose IN ('contract', 'template')),
    title      TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    kind       TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 80),
    language   TEXT NOT NULL CHECK (language IN ('zh', 'en')),
    html       TEXT NOT NULL,
    fields     TEXT NOT NULL CHECK (json_type(fields) = 'array'),
    version    INTEGER NOT NULL CHECK (version >= 1),
    created    TEXT NOT NULL,
    changed    TEXT NOT NULL,
    changed_by TEXT NOT NULL REFERENCES people (subject),
    template   TEXT REFERENCES templates (id),
    contract   TEXT REFERENCES contracts (id),
    CHECK (template IS NULL OR purpose = 'template'),
    CHECK (contract IS NULL OR purpose = 'contract')
) STRICT;

CREATE INDEX texts_by_owner ON texts (owner, changed);
CREATE INDEX texts_by_template ON texts (template) WHERE template IS NOT NULL;

CREATE TRIGGER texts_count_up BEFORE UPDATE ON texts
WHEN NEW.version <> OLD.version + 1
BEGIN SELECT RAISE(ABORT, 'every change counts the version up by one'); END;
