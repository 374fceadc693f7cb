/** log: a thread's lines are handed over as data that another thread can receive. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type LogLine, remoteLog } from './log.ts'

describe('remoteLog', () => {
  it('hands over level, fields and message', () => {
    const lines: LogLine[] = []
    const log = remoteLog((line) => lines.push(structuredClone(line)))
    log.info({ a: 1 }, 'one')
    log.warn({}, 'two')
    log.error({ err: new TypeError('broken') }, 'three')
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [
        ['info', 'one'],
        ['warn', 'two'],
        ['error', 'three'],
      ],
    )
    assert.deepEqual(lines[0]!.fields, { a: 1 })
    const [error] = Object.values(lines[2]!.fields)
    assert.ok(error instanceof TypeError && error.message === 'broken')
  })
})
