/** Certificates that were ordered, and leases of what one process at a time may do. */
export const sql = `
-- The newest of each name from each CA (issuer: the URL of its directory). Keys are kept as they are.
CREATE TABLE certificate (
  issuer      TEXT NOT NULL,
  name        TEXT NOT NULL,
  chain       TEXT NOT NULL,
  key         TEXT NOT NULL,
  issued_at   INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  PRIMARY KEY (issuer, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`
