/** Tokens that open a part of the API, and answers that are given again to who repeats a request. */
export const sql = `
-- digest: of the token, which is stored nowhere. capabilities: JSON.
CREATE TABLE token (
  digest       TEXT NOT NULL PRIMARY KEY,
  consumer_id  TEXT NOT NULL REFERENCES consumer (id) ON DELETE CASCADE,
  session_id   TEXT,
  capabilities TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX token_consumer ON token (consumer_id);
CREATE INDEX token_expiry ON token (expires_at);

-- key: a digest of who asks and of the key that was sent. request: a digest of what was asked.
CREATE TABLE answer (
  key        TEXT NOT NULL PRIMARY KEY,
  request    TEXT NOT NULL,
  status     INTEGER NOT NULL,
  body       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX answer_age ON answer (created_at);
`
