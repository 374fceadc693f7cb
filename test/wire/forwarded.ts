/** Tables of requests that must be forwarded: what the upstream has to see of each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sendable } from '../../src/selftest/raw-client.ts'
import { valuesOf, written } from '../../src/selftest/raw-message.ts'
import { type RecordedRequest, ok } from '../../src/selftest/recording-upstream.ts'
import { pieces } from '../../src/selftest/notation.ts'
import type { Seen } from '../../src/selftest/corpus/row.ts'
import { type Rig, clientLines } from './rig.ts'

export interface Forwarding {
  readonly name: string
  /** Bytes, or the pieces to send them in, in the notation. */
  readonly send: Sendable | readonly Sendable[]
  readonly upstream: readonly Seen[]
  /** Method of each request, where not all are GET: decides whether its answer has a body. */
  readonly methods?: readonly string[]
}

const OK = { reason: 'ok', status: 200 }

/** Registers a test for each row: as many answers as requests, and upstream exactly these. */
export function forwardings(rig: Rig, rows: readonly Forwarding[]): void {
  for (const row of rows) {
    test(`forwarded: ${row.name}`, async () => {
      rig.upstream.script = ok()
      const client = await rig.connect()
      try {
        await client.send(...pieces(row.send))
        for (const i of row.upstream.keys()) {
          const answer = await client.finalResponse(row.methods?.[i])
          assert.equal(answer.status, 200, answer.body.toString())
        }
        assert.equal(client.rest, '', 'bytes after the answers')
      } finally {
        client.close()
      }
      const trace = await rig.settle(
        row.name,
        row.upstream.map(() => OK),
      )
      assert.deepEqual(
        trace.partial.map(({ partial }) => partial),
        [],
        'bytes upstream of no request',
      )
      assert.deepEqual(
        trace.requests.map(({ start }) => start),
        row.upstream.map(({ start }) => start),
      )
      for (const [i, seen] of row.upstream.entries()) sawExactly(trace.requests[i]!, seen)
    })
  }
}

/** A recorded request is what the row says, well framed, free of hop-by-hop lines, with our lines once each. */
export function sawExactly(request: RecordedRequest, seen: Seen): void {
  const { body = '', framing = body === '' ? 'none' : 'length' } = seen
  assert.equal(request.start, seen.start)
  if (seen.lines !== undefined) assert.deepEqual(clientLines(request), seen.lines)
  assert.deepEqual(
    { framing: request.framing, body: request.body.toString('latin1'), trailers: written(request.trailers) },
    { framing, body, trailers: seen.trailers ?? [] },
  )
  assert.deepEqual(valuesOf(request, 'connection'), [])
  assert.deepEqual(valuesOf(request, 'x-forwarded-for'), ['127.0.0.1'])
  assert.deepEqual(valuesOf(request, 'x-forwarded-proto'), ['http'])
  const [host, ...others] = valuesOf(request, 'host')
  assert.deepEqual(others, [])
  const told = seen.hostless === true ? '' : `;host="${host}"`
  assert.deepEqual(valuesOf(request, 'x-forwarded-host'), seen.hostless === true ? [] : [host])
  assert.deepEqual(valuesOf(request, 'forwarded'), [`for=127.0.0.1${told};proto=http`])
  assert.match(valuesOf(request, 'via').at(-1) ?? '', /^1\.[01] rig$/)
}
