/** Tables of requests that must be refused: the same judgement for every one of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sendable } from '../../src/selftest/raw-client.ts'
import { type RawResponse, valuesOf } from '../../src/selftest/raw-message.ts'
import { pieces } from '../../src/selftest/notation.ts'
import type { Rig } from './rig.ts'

export interface Refusal {
  readonly name: string
  /** Bytes, or the pieces to send them in, in the notation. */
  readonly send: Sendable | readonly Sendable[]
  readonly status: number
  /** Of the catalogue of problems. */
  readonly code: string
}

/** Registers a test for each row: a problem of that code, the connection closed, nothing upstream. */
export function refusals(rig: Rig, rows: readonly Refusal[]): void {
  for (const row of rows) {
    test(`refused: ${row.name}`, async () => {
      await refusedAndClosed(rig, row)
      const trace = await rig.settle(row.name, [{ reason: row.code, status: row.status }])
      assert.deepEqual(
        trace.requests.map(({ start }) => start),
        [],
        'complete requests upstream',
      )
      assert.deepEqual(
        trace.partial.map(({ partial }) => partial),
        [],
        'bytes upstream',
      )
    })
  }
}

/** Sends the row on a connection of its own and checks the client's side. */
export async function refusedAndClosed(rig: Rig, row: Refusal): Promise<void> {
  const client = await rig.connect()
  try {
    await client.send(...pieces(row.send))
    isRefusal(await client.response(), row)
    assert.equal((await client.closed()).rest, '', 'bytes after the refusal')
  } finally {
    client.close()
  }
}

/** The answer is the catalogue's problem and says that the connection ends. */
export function isRefusal(
  answer: RawResponse,
  { status, code }: { readonly status: number; readonly code: string },
): void {
  isProblem(answer, { status, code })
  assert.deepEqual(valuesOf(answer, 'connection'), ['close'])
}

/** The answer is the catalogue's problem. */
export function isProblem(
  answer: RawResponse,
  { status, code }: { readonly status: number; readonly code: string },
): void {
  const body = answer.body.toString('utf8')
  assert.equal(answer.status, status, body)
  assert.deepEqual(valuesOf(answer, 'content-type'), ['application/problem+json'])
  const problem: unknown = JSON.parse(body)
  assert.ok(typeof problem === 'object' && problem !== null && 'code' in problem && 'status' in problem)
  assert.deepEqual({ code: problem.code, status: problem.status }, { code, status })
}
