/** How an endpoint is called beyond its URL. */
export const sql = `
-- JSON; null is plainly.
ALTER TABLE endpoint ADD COLUMN sending TEXT;
`
