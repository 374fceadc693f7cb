/** Tables of what an upstream may answer: what the client has to see of each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotHttp, readResponse, valuesOf, written } from '../../src/selftest/raw-message.ts'
import { type Script, ok } from '../../src/selftest/recording-upstream.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import type { Rig } from './rig.ts'

export interface Answered {
  readonly name: string
  /** What the upstream sends, in the notation, or does. */
  readonly answer: Script['answer']
  /** Default: GET. */
  readonly method?: string
}

/** A request that no reader could take for another. */
export function ask(method = 'GET'): string {
  const body = method === 'POST' ? 'Content-Length: 5⏎⏎hello' : '⏎'
  return crlf(`${method} /a HTTP/1.1⏎Host: a⏎${body}`)
}

function scriptOf(answer: Script['answer']): Script {
  return { answer: typeof answer === 'string' ? crlf(answer) : answer }
}

/** Waits until every connection is closed that carried a request of the last row: none may serve anybody else. */
async function connectionsEnd(rig: Rig, from: number): Promise<void> {
  const used = rig.upstream.requests.slice(from).map(({ connection }) => connection)
  assert.notEqual(used.length, 0, 'requests upstream')
  await rig.upstream.until(
    () => (used.some(({ over }) => over === 'no') ? undefined : true),
    'the end of the connections',
  )
}

/** Registers a test for each row: 502 as a problem of this code, and the upstream's connection is not used again. */
export function badGateways(rig: Rig, code: string, rows: readonly Answered[]): void {
  for (const row of rows) {
    test(`502 ${code}: ${row.name}`, async () => {
      const before = rig.upstream.requests.length
      rig.upstream.script = scriptOf(row.answer)
      const client = await rig.connect()
      await client.send(ask(row.method))
      isProblem(await client.finalResponse(), { status: 502, code })
      assert.equal(await client.idle(10), '', 'bytes after the answer')
      await connectionsEnd(rig, before)
      client.close()
      await rig.settle(row.name, [{ reason: code, status: 502 }])
    })
  }
}

export interface Cut extends Answered {
  readonly status: number
  readonly reason: string
}

/** Registers a test for each row: the client’s answer breaks off so that nobody can take it for whole, or is a 502 instead. */
export function cuts(rig: Rig, rows: readonly Cut[]): void {
  for (const row of rows) {
    test(`cut: ${row.name}`, async () => {
      const before = rig.upstream.requests.length
      rig.upstream.script = scriptOf(row.answer)
      const client = await rig.connect()
      await client.send(ask(row.method))
      await client.closed()
      assert.equal(wholeAnswer(client.received, row.method), null)
      await connectionsEnd(rig, before)
      client.close()
      await rig.settle(row.name, [{ reason: row.reason, status: row.status }])
    })
  }
}

/** The answer, or null when these bytes are not a whole one to a reader that knows where the connection ended. */
function wholeAnswer(received: string, method = 'GET'): string | null {
  try {
    const answer = readResponse(Buffer.from(received, 'latin1'), 0, method, false)
    return answer && answer.start
  } catch (error) {
    if (error instanceof NotHttp) return null
    throw error
  }
}

export interface Passed extends Answered {
  readonly status: number
  readonly body: string
  /** Lines the client must see in this order and case, among others. */
  readonly lines?: readonly string[]
  /** The upstream’s connection must not be used again. */
  readonly ends?: true
}

/** Registers a test for each row: the client gets this answer and nothing else, and can go on. */
export function passes(rig: Rig, rows: readonly Passed[]): void {
  for (const row of rows) {
    test(`passed on: ${row.name}`, async () => {
      const before = rig.upstream.requests.length
      rig.upstream.script = scriptOf(row.answer)
      const client = await rig.connect()
      await client.send(ask(row.method))
      const answer = await client.finalResponse(row.method)
      assert.deepEqual(
        { status: answer.status, body: answer.body.toString('latin1') },
        { status: row.status, body: row.body },
      )
      if (row.lines !== undefined) {
        const names = new Set(row.lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()))
        assert.deepEqual(written(answer.lines.filter(([name]) => names.has(name.toLowerCase()))), row.lines)
      }
      assert.deepEqual(valuesOf(answer, 'connection'), [])
      if (row.ends === true) await connectionsEnd(rig, before)
      rig.upstream.script = ok('next')
      await client.send(ask())
      assert.equal((await client.finalResponse()).body.toString(), 'next')
      assert.equal(client.rest, '')
      client.close()
      await rig.settle(row.name, [
        { reason: 'ok', status: row.status },
        { reason: 'ok', status: 200 },
      ])
    })
  }
}
