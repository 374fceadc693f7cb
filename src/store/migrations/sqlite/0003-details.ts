/** What consumers, endpoints and event types say of themselves beyond what the first tables had room for. */
export const sql = `
ALTER TABLE consumer ADD COLUMN rate_max INTEGER;

-- retiring: JSON, [{"secret": …, "until": ms}]. transformation: JSON, or none.
ALTER TABLE endpoint ADD COLUMN rate_max INTEGER;
ALTER TABLE endpoint ADD COLUMN retiring TEXT NOT NULL DEFAULT '[]';
ALTER TABLE endpoint ADD COLUMN transformation TEXT;

ALTER TABLE event_type ADD COLUMN deprecated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event_type ADD COLUMN group_name TEXT;
ALTER TABLE event_type ADD COLUMN feature_flags TEXT NOT NULL DEFAULT '[]';
`
