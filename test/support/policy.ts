/** What policies are tested with: real heads, exchanges and counters, a clock held in hand, and a record of what was emitted. */
import type { Clock } from '../../src/base/clock.ts'
import { createSharedCounters, sharedCounters } from '../../src/counters/shared-memory.ts'
import { Exchange } from '../../src/pipeline/exchange.ts'
import type { Emission, Policy, PolicyDeps, PolicyType } from '../../src/pipeline/policy.ts'
import type { Reply } from '../../src/pipeline/reply.ts'
import type { ResponseView } from '../../src/pipeline/response.ts'
import { DOCUMENTED_POLICIES, type DocumentedPolicy } from '../../src/policies/schemas.ts'
import type { ClientTls } from '../../src/wire/client-tls.ts'
import { type Head, RequestHead, ResponseHead, fieldOf } from '../../src/wire/head.ts'
import { OutgoingHead } from '../../src/wire/outgoing.ts'

/** Header lines: name, value, name, value … in the order sent. */
export type Lines = readonly string[]

export class HeldClock implements Clock {
  private nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)
  private elapsedMs = 1000

  now(): number {
    return this.nowMs
  }

  elapsed(): number {
    return this.elapsedMs
  }

  advance(ms: number): void {
    this.nowMs += ms
    this.elapsedMs += ms
  }

  /** As the operating system may set the wall clock, while time goes on as before. */
  jump(ms: number): void {
    this.nowMs += ms
  }
}

export interface HeldDeps extends PolicyDeps {
  readonly clock: HeldClock
  readonly emissions: Emission[]
}

/** Consumers by API key; `emit` records, unless the test brings its own. */
export function policyDeps(given: { consumers?: Record<string, string>; emit?: PolicyDeps['emit'] } = {}): HeldDeps {
  const consumers = new Map(Object.entries(given.consumers ?? {}).map(([key, name]) => [key, { name }]))
  const emissions: Emission[] = []
  return {
    clock: new HeldClock(),
    counters: sharedCounters(createSharedCounters(1024)),
    consumerOfCertificate: ({ subject }) => consumers.get(subject) ?? null,
    consumerOfKey: (apiKey) => consumers.get(apiKey) ?? null,
    emit:
      given.emit ??
      (async (emission) => {
        emissions.push(emission)
      }),
    place: 'route/test/0/policy',
    emissions,
  }
}

/** A policy as a route would have it: the configuration as written, checked by the policy's schema. Throws ZodError. */
export function createPolicy(
  type: PolicyType<unknown>,
  written: unknown = {},
  deps: PolicyDeps = policyDeps(),
): Policy {
  return type.create(schemaOf(type).parse(written), deps)
}

/** What the schema says against a configuration, or null. */
export function configError(type: PolicyType<unknown>, written: unknown): string | null {
  const result = schemaOf(type).safeParse(written)
  return result.success
    ? null
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

function schemaOf({ name }: PolicyType<unknown>): DocumentedPolicy['config'] {
  return DOCUMENTED_POLICIES.find((policy) => policy.name === name)!.config
}

/** A request whose head has arrived. `target` is path and query. */
export function exchange(
  method: string,
  target: string,
  lines: Lines = [],
  clientAddress = '192.0.2.1',
  tls: ClientTls | null = null,
): Exchange {
  const head = new RequestHead()
  head.method = method
  head.target = target
  fill(head, `${method} ${target} HTTP/1.1\r\n`, ['Host', 'api.example', ...lines])
  const x = new Exchange(head, clientAddress, tls, 0)
  const mark = target.indexOf('?')
  x.path = mark === -1 ? target : target.slice(0, mark)
  x.query = mark === -1 ? '' : target.slice(mark)
  return x
}

/** Lets the policy see the request; how it ended the exchange, or null when it let it go on. */
export async function onRequest(policy: Policy, x: Exchange): Promise<Reply | null> {
  return (await policy.request?.(x)) ?? null
}

/** Lets the policy see the answer; what it put in its place, or null. */
export async function onResponse(policy: Policy, x: Exchange, res: ResponseView): Promise<Reply | null> {
  return (await policy.response?.(x, res)) ?? null
}

/** The head that would go upstream, after this policy has had its say. */
export async function sentUpstream(policy: Policy, x: Exchange): Promise<OutgoingHead> {
  const out = new OutgoingHead()
  out.reset(x.head)
  await policy.upstreamRequest?.(x, out)
  return out
}

/** An answer of the upstream (or our own), before policies have seen it. */
export function answer(
  status: number,
  lines: Lines = [],
  body: string | null = null,
  fromUpstream = true,
): ResponseView {
  const head = new ResponseHead()
  head.status = status
  fill(head, `HTTP/1.1 ${status} \r\n`, lines)
  const headers = new OutgoingHead()
  headers.reset(head)
  return { status, headers, fromUpstream, body: body === null ? null : Buffer.from(body) }
}

/** Every value of a field that will be sent. */
export function values(out: OutgoingHead, name: string): string[] {
  return [...out.entries()].filter(([given]) => given.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
}

/** The headers of a Reply, as `Name: value`. */
export function replyLines(reply: Reply): string[] {
  return reply.headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${reply.headers[i + 1]!}`] : []))
}

function fill(head: Head, start: string, lines: Lines): void {
  head.text = start
  for (let i = 0; i < lines.length; i += 2) {
    const [name, value] = [lines[i]!, lines[i + 1]!]
    const from = head.text.length
    head.text += `${name}: ${value}\r\n`
    head.at.set([from, from + name.length, from + name.length + 2, head.text.length - 2], head.count * 4)
    head.fields[head.count++] = fieldOf(name, 0, name.length)
  }
  head.text += '\r\n'
}
