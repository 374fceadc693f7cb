/** Work over many messages: what is to be done, and how far it has come. */
export const sql = `
-- work and result: JSON. cursor: how far it has come, in the words of the work.
CREATE TABLE task (
  id          TEXT NOT NULL PRIMARY KEY,
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed')),
  work        TEXT NOT NULL,
  cursor      TEXT,
  done        INTEGER NOT NULL,
  result      TEXT,
  failure     TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX task_running ON task (id) WHERE state = 'running';
`
