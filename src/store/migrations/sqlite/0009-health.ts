/** Endpoints that fail: since when, and what their owners were told. */
export const sql = `
-- warned: how many of the warnings were given. An endpoint that is well has no row.
CREATE TABLE endpoint_health (
  endpoint_id   TEXT NOT NULL PRIMARY KEY REFERENCES endpoint (id) ON DELETE CASCADE,
  failing_since INTEGER NOT NULL,
  warned        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
