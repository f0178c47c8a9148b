-- What processes count: refused timestamp requests by failInfo, and the use of the API.
ALTER TABLE refusals_told RENAME TO counts_told;
ALTER TABLE counts_told RENAME COLUMN reason TO name;
ALTER TABLE refusals RENAME TO counts;
ALTER TABLE counts RENAME COLUMN reason TO name;
