/** SQL of tasks: kept, listed, and done slice by slice, each slice in one transaction with the progress that it is. */
import type { DatabaseSync } from 'node:sqlite'
import type { Task, TaskState } from '../../model/task.ts'
import type { Listing } from './listing.ts'
import type { Pager } from './pages.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, text, textOrNull } from './rows.ts'
import type { Tally } from './tally.ts'
import { type Slice, WorkFailed } from './slice.ts'
import { replays } from './replays.ts'
import { surveys } from './surveys.ts'

interface Tasks {
  putTask: Direct<'putTask'>
  advanceTask: Direct<'advanceTask'>
  getTask: Direct<'getTask'>
  listTasks: Direct<'listTasks'>
}

export function tasks(db: DatabaseSync, pager: Pager, tally: Tally, listing: Listing): Tasks {
  const put =
    db.prepare(`INSERT INTO task (id, kind, state, work, cursor, done, result, failure, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const get = db.prepare('SELECT * FROM task WHERE id = ?')
  const move = db.prepare(
    'UPDATE task SET state = ?, cursor = ?, done = ?, result = ?, failure = ?, updated_at = ? WHERE id = ?',
  )
  const replay = replays(db, tally)
  const survey = surveys(db)

  function slice({ work, cursor }: Task, rows: number, nowMs: number): Slice {
    if (work.kind === 'usage') return survey.usage(work, cursor, rows)
    if (work.kind === 'subscriptions') return survey.subscriptions(work, cursor, rows)
    return replay(work, cursor, rows, nowMs)
  }

  function advanced(task: Task, rows: number, nowMs: number): Task {
    const updatedAt = nowMs
    try {
      const { cursor, done, found } = slice(task, rows, nowMs)
      const state: TaskState = cursor === null ? 'finished' : 'running'
      const result = found === undefined ? task.result : [...(task.result ?? []), ...found]
      return { ...task, state, cursor, done: task.done + done, result, updatedAt }
    } catch (error) {
      if (!(error instanceof WorkFailed)) throw error
      return { ...task, state: 'failed', failure: error.message, updatedAt }
    }
  }

  return {
    putTask(t) {
      const result = t.result === null ? null : JSON.stringify(t.result)
      const row = [t.cursor, t.done, result, t.failure, t.createdAt, t.updatedAt]
      put.run(t.id, t.work.kind, t.state, JSON.stringify(t.work), ...row)
    },
    advanceTask(id, rows, nowMs) {
      const row = get.get(id)
      if (row === undefined) return null
      const task = taskOf(row)
      if (task.state !== 'running') return task
      listing.fold()
      const next = advanced(task, rows, nowMs)
      const result = next.result === null ? null : JSON.stringify(next.result)
      move.run(next.state, next.cursor, next.done, result, next.failure, next.updatedAt, id)
      return next
    },
    getTask(id) {
      const row = get.get(id)
      return row === undefined ? null : taskOf(row)
    },
    listTasks({ kind, state, ...page }) {
      const within = [
        ...(kind === undefined ? [] : ['kind = :kind']),
        ...(state === undefined ? [] : ['state = :state']),
      ]
      const params = { ...(kind === undefined ? {} : { kind }), ...(state === undefined ? {} : { state }) }
      return pager.page({ from: 'task', key: 'id', within, params }, page).map(taskOf)
    },
  }
}

function taskOf(row: Row): Task {
  return {
    id: text(row.id),
    work: JSON.parse(text(row.work)),
    state: stateOf(text(row.state)),
    cursor: textOrNull(row.cursor),
    done: integer(row.done),
    result: JSON.parse(textOrNull(row.result) ?? 'null'),
    failure: textOrNull(row.failure),
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
  }
}

function stateOf(word: string): TaskState {
  return word === 'running' || word === 'finished' ? word : 'failed'
}
