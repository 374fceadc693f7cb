/** SQL of the tasks that go over a consumer's messages, oldest first, and send or forget what they find. */
import type { DatabaseSync } from 'node:sqlite'
import { idFloor, newId } from '../../base/ids.ts'
import type { Work } from '../../model/task.ts'
import { wants } from '../../model/webhook.ts'
import { endpointOf } from './endpoints.ts'
import type { Row } from './rows.ts'
import { integer, integerOrNull, stringsOrNull, text } from './rows.ts'
import { DELIVERED, EXHAUSTED, HELD, PENDING, stateNumber } from './states.ts'
import type { Tally } from './tally.ts'
import { type Slice, WorkFailed } from './slice.ts'

type Replay = Exclude<Work, { kind: 'usage' | 'subscriptions' }>
type Of<Kind extends Work['kind']> = Extract<Work, { kind: Kind }>

export function replays(db: DatabaseSync, tally: Tally) {
  const messages = db.prepare(`SELECT id, event_type, channels, tags, created_at FROM message_listing
    WHERE owner = ? AND id > ? AND id < ? ORDER BY id LIMIT ?`)
  const endpoint = db.prepare('SELECT * FROM endpoint WHERE consumer_id = ? AND id = ?')
  const delivery = db.prepare('SELECT state, attempts FROM delivery WHERE message_id = ? AND endpoint_id = ?')
  const isExpunged = db.prepare('SELECT 1 FROM message WHERE id = ? AND expunged = 1')
  const lastStatus = db.prepare(`SELECT status FROM attempt INDEXED BY attempt_message
    WHERE message_id = ? AND endpoint_id = ? ORDER BY id DESC LIMIT 1`)
  const again = db.prepare(
    `UPDATE delivery SET state = 0, next_at = ?, attempts = ? WHERE message_id = ? AND endpoint_id = ?`,
  )
  const add = db.prepare(`INSERT INTO delivery (message_id, endpoint_id, id, state, attempts, next_at, lessee)
    VALUES (?, ?, ?, 0, 0, ?, NULL)`)
  const expunge = db.prepare(`UPDATE message SET payload = x'', expunged = 1 WHERE id = ? AND expunged = 0`)

  /** Starts a delivery anew when it stands in one of `states`. */
  function restart(id: string, endpointId: string, states: ReadonlySet<number>, nowMs: number): boolean {
    const row = delivery.get(id, endpointId)
    if (row === undefined || !states.has(integer(row.state)) || isExpunged.get(id) !== undefined) return false
    const state = integer(row.state)
    again.run(nowMs, state === PENDING ? integer(row.attempts) : 0, id, endpointId)
    tally.moved(state, PENDING, 1)
    return true
  }

  function isChosen(work: Of<'replay'>, row: Row): boolean {
    const { eventTypes, channel, tag, statusClass, endpointId } = work
    if (eventTypes !== null && !eventTypes.includes(text(row.event_type))) return false
    if (channel !== null && !stringsOrNull(row.channels)?.includes(channel)) return false
    if (tag !== null && !stringsOrNull(row.tags)?.includes(tag)) return false
    if (statusClass === null) return true
    const status = integerOrNull(lastStatus.get(text(row.id), endpointId)?.status ?? null)
    return status !== null && Math.floor(status / 100) * 100 === statusClass
  }

  /** What to do with one message; true when it was done. */
  function action(work: Replay, nowMs: number): (row: Row) => boolean {
    if (work.kind === 'expunge') return (row) => expunge.run(row.id!).changes === 1
    const { endpointId } = work
    const found = endpoint.get(work.consumerId, endpointId)
    if (found === undefined) throw new WorkFailed('The endpoint is gone.')
    if (work.kind === 'recover') return (row) => restart(text(row.id), endpointId, GIVEN_UP, nowMs)
    if (work.kind === 'replay') {
      const states =
        work.states === null ? OVER : new Set(work.states.map(stateNumber).filter((state) => MAY_RESTART.has(state)))
      return (row) => isChosen(work, row) && restart(text(row.id), endpointId, states, nowMs)
    }
    const subscription = endpointOf(found)
    return (row) => {
      const id = text(row.id)
      if (!wants(subscription, text(row.event_type), stringsOrNull(row.channels))) return false
      if (delivery.get(id, endpointId) !== undefined || isExpunged.get(id) !== undefined) return false
      add.run(id, endpointId, newId('dlv_', nowMs), nowMs)
      tally.moved(null, PENDING, 1)
      return true
    }
  }

  return (work: Replay, cursor: string | null, rows: number, nowMs: number): Slice => {
    const act = action(work, nowMs)
    // Ids begin with the time; which millisecond counts is asked of the row.
    const listed = messages.all(
      work.consumerId,
      cursor ?? idFloor('msg_', work.from),
      idFloor('msg_', work.until),
      rows,
    )
    let done = 0
    for (const row of listed) {
      const createdAt = integer(row.created_at)
      if (createdAt >= work.from && createdAt < work.until && act(row)) done++
    }
    return { cursor: listed.length < rows ? null : text(listed.at(-1)!.id), done }
  }
}

const GIVEN_UP: ReadonlySet<number> = new Set([EXHAUSTED, HELD])
const OVER: ReadonlySet<number> = new Set([DELIVERED, EXHAUSTED, HELD])
/** All but those in flight and those that nobody is to have any more. */
const MAY_RESTART: ReadonlySet<number> = new Set([PENDING, DELIVERED, EXHAUSTED, HELD])
