/** Who waits for what: each endpoint with pending deliveries and when the first of them is due, so that one with many hides no other. */
export const sql = `
-- A lower bound of when an endpoint's next delivery is due: a claim corrects it. With one row an endpoint, a claim passes over an
-- endpoint in one step, however much is due for it.
CREATE TABLE waiting (
  endpoint_id TEXT NOT NULL PRIMARY KEY,
  next_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_due ON waiting (next_at);

INSERT INTO waiting SELECT endpoint_id, min(next_at) FROM delivery WHERE state = 0 GROUP BY endpoint_id;

-- Whoever makes a delivery pending says so here, whatever statement does it. What is appended under a lease and delivered never fires them.
CREATE TRIGGER delivery_waits AFTER INSERT ON delivery WHEN NEW.state = 0 BEGIN
  INSERT INTO waiting VALUES (NEW.endpoint_id, NEW.next_at)
    ON CONFLICT (endpoint_id) DO UPDATE SET next_at = excluded.next_at WHERE excluded.next_at < next_at;
END;
CREATE TRIGGER delivery_waits_again AFTER UPDATE OF state, next_at ON delivery WHEN NEW.state = 0 BEGIN
  INSERT INTO waiting VALUES (NEW.endpoint_id, NEW.next_at)
    ON CONFLICT (endpoint_id) DO UPDATE SET next_at = excluded.next_at WHERE excluded.next_at < next_at;
END;

DROP INDEX delivery_due;
DROP INDEX delivery_waiting;
CREATE INDEX delivery_waiting ON delivery (endpoint_id, state, next_at) WHERE state IN (0, 5);
`
