/** The first tables. Every row that comes with traffic is appended at the end of its table and of its indexes. */
export const sql = `
-- One event. seq is the order of arrival. The payload comes last so that reading the rest never walks its overflow pages.
-- The consumer is in the key of nothing here; ids sort by time, and a key by consumer would dirty one page an event.
CREATE TABLE message (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  consumer_id TEXT,
  origin      TEXT,
  event_type  TEXT NOT NULL,
  event_id    TEXT,
  channels    TEXT,
  received    TEXT,
  created_at  INTEGER NOT NULL,
  payload     BLOB NOT NULL
) STRICT;

-- The scope of an event's own id is its consumer, else its origin.
CREATE UNIQUE INDEX message_event ON message (coalesce(consumer_id, origin, ''), event_id) WHERE event_id IS NOT NULL;

-- A message on its way to one endpoint. state: 0 pending, 1 delivering, 2 delivered, 3 exhausted, 4 cancelled, 5 held.
CREATE TABLE delivery (
  message_id  TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  id          TEXT NOT NULL,
  state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
  attempts    INTEGER NOT NULL,
  next_at     INTEGER,
  lessee      TEXT,
  PRIMARY KEY (message_id, endpoint_id),
  CHECK ((state = 0) = (next_at IS NOT NULL)),
  CHECK ((state = 1) = (lessee IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_due ON delivery (next_at) WHERE state = 0;
CREATE INDEX delivery_leased ON delivery (lessee) WHERE state = 1;
CREATE INDEX delivery_waiting ON delivery (endpoint_id) WHERE state IN (0, 5);

CREATE TABLE attempt (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  message_id  TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  url         TEXT NOT NULL,
  status      INTEGER NOT NULL,
  ok          INTEGER NOT NULL,
  failure     TEXT,
  latency_ms  INTEGER NOT NULL,
  manual      INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  response    TEXT NOT NULL
) STRICT;

CREATE INDEX attempt_message ON attempt (message_id);

-- What belongs to whom: messages by consumer and by origin, attempts by endpoint. Filled from the tables above in sorted
-- batches (see listing.ts), because keeping such an order with every row doubles the cost of a row. listed.upto is the
-- seq up to which that has happened; whoever deletes old rows must leave the newest, for seq to go on rising.
CREATE TABLE message_listing (
  owner       TEXT NOT NULL,
  id          TEXT NOT NULL,
  seq         INTEGER NOT NULL,
  event_type  TEXT NOT NULL,
  channels    TEXT,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt_listing (
  owner       TEXT NOT NULL,
  id          TEXT NOT NULL,
  seq         INTEGER NOT NULL,
  ok          INTEGER NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE listed (name TEXT NOT NULL PRIMARY KEY, upto INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO listed VALUES ('message', 0), ('attempt', 0);

-- How many there are, kept by every transaction, since counting millions of rows takes seconds.
CREATE TABLE tally (name TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO tally VALUES ('pending', 0), ('delivering', 0), ('delivered', 0), ('exhausted', 0), ('cancelled', 0), ('held', 0), ('message', 0);

CREATE TABLE lessee (name TEXT NOT NULL PRIMARY KEY, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE consumer (
  id          TEXT NOT NULL PRIMARY KEY,
  uid         TEXT UNIQUE,
  name        TEXT NOT NULL,
  metadata    TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint (
  id          TEXT NOT NULL PRIMARY KEY,
  consumer_id TEXT NOT NULL REFERENCES consumer (id) ON DELETE CASCADE,
  uid         TEXT,
  url         TEXT NOT NULL,
  description TEXT NOT NULL,
  event_types TEXT,
  channels    TEXT,
  headers     TEXT NOT NULL,
  metadata    TEXT NOT NULL,
  secrets     TEXT NOT NULL,
  disabled    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  UNIQUE (consumer_id, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX endpoint_consumer ON endpoint (consumer_id, id);

CREATE TABLE event_type (
  name        TEXT NOT NULL PRIMARY KEY,
  description TEXT NOT NULL,
  schema      TEXT NOT NULL,
  archived    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
  number      INTEGER PRIMARY KEY,
  origin      TEXT NOT NULL CHECK (origin IN ('file', 'api')),
  text        TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX revision_origin ON revision (origin);

CREATE TABLE setting (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`
