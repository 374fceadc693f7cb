/**
 * What a file of wire tests stands on: the product in front of a recording upstream, and a way to see everything that an exchange
 * left behind. After each row a stranger's request goes through: whatever the row left in a pooled connection would spoil it.
 */
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'
import { type LogLine, type Running, startPostern } from '../support/postern.ts'
import { RawClient, exchangeOnce } from '../../src/selftest/raw-client.ts'
import { written } from '../../src/selftest/raw-message.ts'
import {
  type RecordedConnection,
  type RecordedRequest,
  RecordingUpstream,
  ok,
} from '../../src/selftest/recording-upstream.ts'

export interface RigOptions {
  /** Lines of YAML below `services`, indented by two, given the upstream's URL; `up` is there already. */
  readonly services?: (upstreamUrl: string) => string
  /** Lines of YAML below `routes`, indented by two. */
  readonly routes?: string
  /** More of the listener, as the rest of a YAML mapping in one line. */
  readonly listener?: string
  /** Lines of YAML at the top. */
  readonly top?: string
  /** Default true: what no other route matches goes to `up`. */
  readonly catchAll?: boolean
}

/** What of a row reached the upstream. */
export interface Trace {
  /** Complete requests. */
  readonly requests: readonly RecordedRequest[]
  /** Connections that hold bytes of no complete request, or bytes that are not HTTP. */
  readonly partial: readonly RecordedConnection[]
}

/** An access record, as far as the wire tests care. */
export interface Expected {
  readonly reason: string
  readonly status: number
}

export class Rig {
  readonly postern: Running
  readonly upstream: RecordingUpstream
  private readonly clients: RawClient[] = []
  private settled = true
  private strangers = 0
  private requestsSeen = 0
  private readonly partialSeen = new Set<RecordedConnection>()
  private readonly expected: { readonly row: string; readonly records: readonly Expected[] | null }[] = []

  private constructor(postern: Running, upstream: RecordingUpstream) {
    this.postern = postern
    this.upstream = upstream
  }

  /** Starts both for the test file that calls it, and ends both after it. */
  static async start(options: RigOptions = {}): Promise<Rig> {
    const upstream = await RecordingUpstream.start()
    const postern = await startPostern(configuration(upstream.url, options)).catch(async (error: unknown) => {
      await upstream.close()
      throw error
    })
    const rig = new Rig(postern, upstream)
    beforeEach(() => {
      rig.settled = false
      upstream.script = ok()
    })
    // A row that failed half-way must not spoil the next.
    afterEach(async () => {
      if (!rig.settled) await rig.settle('a row that failed', null)
    })
    after(async () => {
      for (const client of rig.clients) client.close()
      await upstream.close()
      await postern.stop()
    })
    return rig
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.postern.port())
    this.clients.push(client)
    return client
  }

  /**
   * Ends a row: a stranger's request must come through untouched, then whatever else reached the upstream since the last call is
   * handed back. `records` are the access records that the row must have left, in order; they are compared at the end of the file,
   * unless they are null.
   */
  async settle(row: string, records: readonly Expected[] | null): Promise<Trace> {
    const { upstream } = this
    this.settled = true
    this.expected.push({ row, records })
    const path = `/stranger/${++this.strangers}`
    upstream.script = ok('stranger')
    const answer = await exchangeOnce(
      this.postern.port(),
      `GET ${path} HTTP/1.1\r\nHost: stranger\r\nConnection: close\r\n\r\n`,
    )
    assert.equal(answer.body.toString('latin1'), 'stranger', `a stranger's answer after ${row}`)
    const all = upstream.requests.slice(this.requestsSeen)
    this.requestsSeen += all.length
    const stranger = all.pop()
    assert.equal(stranger?.start, `GET ${path} HTTP/1.1`, `the last request upstream after ${row}`)
    const partial = upstream.connections.filter(
      (one) => !this.partialSeen.has(one) && (one.partial !== '' || one.error !== null),
    )
    for (const one of partial) this.partialSeen.add(one)
    return { requests: all, partial }
  }

  /** Waits until this row has left its records: for exchanges whose end nobody outside sees. */
  async recorded(records: readonly Expected[]): Promise<void> {
    await this.postern.waitForLine(() => {
      const all = this.postern.records()
      const last = all.findLastIndex((record) => strangerOf(record) === this.strangers)
      return (last !== -1 || this.strangers === 0) && all.length > last + records.length
    }, `${records.length} records of this row`)
  }

  /** Registers the file's last test: every row left exactly the access records it should have. */
  checkRecords(): void {
    test('each exchange left one access record that says why it ended', async () => {
      await this.postern.waitForRecord((record) => strangerOf(record) === this.strangers)
      const rows = this.expected.map(({ row }) => ({ row, records: [] as Expected[] }))
      let at = 0
      for (const record of this.postern.records()) {
        if (strangerOf(record) !== null) at++
        else rows[at]?.records.push({ reason: String(record['reason']), status: Number(record['status']) })
      }
      for (const [i, { records }] of this.expected.entries())
        if (records !== null) assert.deepEqual(rows[i], this.expected[i])
    })
  }
}

/** The number of the stranger whose record this is, or null when it is a row's. */
function strangerOf({ path }: LogLine): number | null {
  return typeof path === 'string' && path.startsWith('/stranger/') ? Number(path.slice('/stranger/'.length)) : null
}

function configuration(
  upstreamUrl: string,
  { services, routes = '', top = '', listener = '', catchAll = true }: RigOptions,
): string {
  return `
listeners: [{ address: 127.0.0.1:0, ${listener} }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8] }
${VIA}
${top}
services:
  up: { instances: [${upstreamUrl}] }
${services?.(upstreamUrl) ?? ''}
routes:
  stranger: { match: { path: /stranger/* }, proxy: up }
${catchAll ? '  all: { match: { path: /* }, proxy: up }' : ''}
${routes}
`
}

/** Who the gateway is in `Via`. */
const VIA = 'via: rig'
const OURS = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'])
const FRAMING = new Set(['content-length', 'transfer-encoding'])

/** The lines of a recorded request that are the client's own, in order and case: without our additions and without the framing. */
export function clientLines(request: RecordedRequest): string[] {
  return written(request.lines.filter(([name]) => !OURS.has(name.toLowerCase()) && !FRAMING.has(name.toLowerCase())))
}
