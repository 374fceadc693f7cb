/** What a message says of itself beyond its event: tags, when it is to be sent and forgotten, which request it came with. */
export const sql = `
-- tags: JSON. deliver_at: not before. expires_at: when the payload goes; expunged: it has gone, and is empty.
-- idempotency_key was chosen by the publisher and is kept for a day. retry_key was made by a client for one call and the retries of it: it
-- stands in no index, because a random key dirties a page for each row; those of the last moments are remembered in memory.
ALTER TABLE message ADD COLUMN tags TEXT;
ALTER TABLE message ADD COLUMN deliver_at INTEGER;
ALTER TABLE message ADD COLUMN expires_at INTEGER;
ALTER TABLE message ADD COLUMN expunged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN idempotency_key TEXT;
ALTER TABLE message ADD COLUMN retry_key TEXT;

CREATE UNIQUE INDEX message_idempotency ON message (coalesce(consumer_id, origin, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX message_expiry ON message (expires_at) WHERE expires_at IS NOT NULL AND expunged = 0;

ALTER TABLE message_listing ADD COLUMN tags TEXT;
`
