-- The parties of a template: a JSON object (appliance/model/template_parties.py), '{}' for a version without.
ALTER TABLE template_versions ADD COLUMN parties TEXT NOT NULL DEFAULT '{}' CHECK (json_type(parties) = 'object');
