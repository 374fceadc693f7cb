/** A gateway with whatever policies and routes a test writes, on a real socket, before real upstreams; its clock is held in hand. */
import type { TestContext } from 'node:test'
import { Gateway } from '../../../src/gateway/gateway.ts'
import { STRICT_PATHS } from '../../../src/gateway/find-route.ts'
import { type Snapshot, compileSnapshot } from '../../../src/gateway/snapshot.ts'
import type { TakenIn } from '../../../src/gateway/targets/hand-over.ts'
import type { DesiredState, Match, PathRules, Route, Service, TargetSpec } from '../../../src/model/gateway.ts'
import { AccessLog } from '../../../src/observe/access-log.ts'
import { type LogLine, remoteLog } from '../../../src/observe/log.ts'
import type { GatewayExchange } from '../../../src/gateway/exchange.ts'
import type { Policy, PolicyType } from '../../../src/pipeline/policy.ts'
import type { Reply } from '../../../src/pipeline/reply.ts'
import type { Stage } from '../../../src/pipeline/stages.ts'
import { Services } from '../../../src/upstream/service.ts'
import { Deadlines } from '../../../src/wire/deadlines.ts'
import { Listener } from '../../../src/wire/listener.ts'
import { Pools } from '../../../src/wire/pool.ts'
import { USUAL_TLS } from '../../../src/wire/upstream-tls.ts'
import { HeldClock, policyDeps } from '../policy.ts'
import { RawClient } from '../../../src/selftest/raw-client.ts'
import { Signal } from '../../../src/selftest/signal.ts'
import { FOR_ANYBODY, LOOPBACK } from './loopback.ts'
import { stateWith } from './state.ts'

const OK: TargetSpec = { kind: 'reply', status: 200, headers: {}, body: 'ok' }

export function routeOf(
  name: string,
  match: Partial<Match>,
  rest: Partial<Pick<Route, 'target' | 'bodyBytesMax'>> & {
    readonly policies?: readonly string[]
    readonly pathRules?: Partial<PathRules>
  } = {},
): Route {
  return {
    name,
    match: { hosts: [], path: '/*', methods: [], ...match },
    pathRules: { ...STRICT_PATHS, ...rest.pathRules },
    policies: (rest.policies ?? []).map((policy) => ({ name: policy, config: null })),
    target: rest.target ?? OK,
    bodyBytesMax: rest.bodyBytesMax ?? 0,
  }
}

export interface Written {
  /** Types by the name that `policies` and routes call them. */
  readonly types?: readonly PolicyType<unknown>[]
  /** Names of the global policies. */
  readonly policies?: readonly string[]
  readonly routes?: readonly Route[]
  /** Instances by service. */
  readonly services?: Readonly<Record<string, readonly string[]>>
  /** Takes what is ingested, deferred or published. */
  readonly store?: (taken: TakenIn) => Promise<Reply>
}

export function snapshotOf(written: Written, services: Services | null = null): Snapshot {
  const store = written.store ?? (() => Promise.reject(new Error('no store')))
  return compileSnapshot(1, stateOf(written), {
    policyNamed: (name) => written.types?.find((type) => type.name === name) ?? null,
    policyDeps: () => policyDeps(),
    via: 'rig',
    targets: {
      service: (name) => services?.get(name) ?? null,
      ingest: (_source, taken) => store(taken),
      defer: (_service, taken) => store(taken),
      webhookKeys: (query) => ({ status: 200, headers: [], body: query, code: 'webhook-keys' }),
      publish: (_event, _to, taken) => store(taken),
    },
  })
}

/** A type that makes this policy wherever it is written. */
export function policyType(name: string, policy: Policy, stage: Stage = 'transform'): PolicyType<unknown> {
  return { name, stage, create: () => policy }
}

export class GatewayRig {
  readonly gateway: Gateway
  readonly clock = new HeldClock()
  readonly logged: LogLine[] = []
  /** Exchanges that are over, in order; each as it was at its end. */
  readonly finished: {
    readonly reason: string
    readonly status: number
    readonly route: string
    readonly tries: number
  }[] = []
  port = 0
  private readonly signal = new Signal()
  private readonly deadlines = new Deadlines(this.clock)
  private readonly pools = new Pools(this.deadlines)
  private readonly services = new Services(this.pools)
  private readonly accessLog = new AccessLog('off', this.clock)
  private readonly listener: Listener

  private constructor(written: Written) {
    this.services.update(stateOf(written).services)
    const log = remoteLog((line) => this.logged.push(line))
    const deps = { clock: this.clock, log, accessLog: this.accessLog }
    this.gateway = new Watched(snapshotOf(written, this.services), deps, (x) => {
      this.finished.push({ reason: x.reason, status: x.status, route: x.routeName, tries: x.tries })
      this.signal.changed()
    })
    this.listener = new Listener(
      this.gateway,
      this.deadlines,
      {
        headMs: 60_000,
        bodyIdleMs: 60_000,
        keepAliveMs: 60_000,
        rateMin: { bytesPerSecond: 0, windowMs: 0 },
      },
      FOR_ANYBODY,
    )
  }

  /** Ends with the test. */
  static async start(t: TestContext, written: Written): Promise<GatewayRig> {
    const rig = new GatewayRig(written)
    rig.port = await rig.listener.listen(LOOPBACK, 16)
    t.after(async () => {
      await rig.listener.drain(0)
      rig.pools.close()
      rig.deadlines.close()
      await rig.accessLog.close()
    })
    return rig
  }

  /** Puts another configuration in force; the services stay. */
  swap(written: Written): void {
    this.gateway.snapshot = snapshotOf(written, this.services)
  }

  /** Sends a request on a connection of its own; `lines` are header lines, `body` is sent with its length. */
  async ask(start: string, lines: readonly string[] = [], body: string | null = null) {
    const client = await RawClient.connect(this.port)
    const head = [`${start} HTTP/1.1`, 'Host: a', ...lines]
    if (body !== null) head.push(`Content-Length: ${Buffer.byteLength(body)}`)
    await client.send(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`)
    try {
      return await client.finalResponse(start.split(' ')[0])
    } finally {
      client.close()
    }
  }

  /** Waits until so many exchanges are over. */
  async untilFinished(count: number): Promise<void> {
    await this.signal.until(
      () => (this.finished.length >= count ? true : undefined),
      () => `${count} exchanges to be over; ${this.finished.length} are`,
    )
  }

  /** Tells every waiter of `until` to look again. */
  changed(): void {
    this.signal.changed()
  }

  async until(done: () => boolean, what: string): Promise<void> {
    await this.signal.until(
      () => (done() ? true : undefined),
      () => what,
    )
  }
}

/** Tells who asks of every exchange that is over. */
class Watched extends Gateway {
  private readonly tell: (x: GatewayExchange) => void

  constructor(snapshot: Snapshot, deps: ConstructorParameters<typeof Gateway>[1], tell: (x: GatewayExchange) => void) {
    super(snapshot, deps)
    this.tell = tell
  }

  override finished(x: GatewayExchange): void {
    super.finished(x)
    this.tell(x)
  }
}

function stateOf({ policies = [], routes = [], services = {} }: Written): DesiredState {
  const timeouts = { connectMs: 0, firstByteMs: 0, idleMs: 0, streamMs: 0, totalMs: 0 }
  const serviceOf = ([name, urls]: readonly [string, readonly string[]]): readonly [string, Service] => [
    name,
    {
      name,
      protocol: 'http/1.1',
      tls: USUAL_TLS,
      proxyProtocol: null,
      instances: urls.map((url) => ({ url, weight: 1 })),
      timeouts,
    },
  ]
  return stateWith({
    services: Object.fromEntries(Object.entries(services).map(serviceOf)),
    policies: policies.map((name) => ({ name, config: null })),
    routes: Object.fromEntries(routes.map((route) => [route.name, route])),
  })
}
