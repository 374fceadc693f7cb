/** A desired state of nothing, for tests that need one whole and care about a part. */
import type { DesiredState, ListenerSpec } from '../../../src/model/gateway.ts'
import { USUAL_TLS } from '../../../src/wire/upstream-tls.ts'

const ADMIN: ListenerSpec = {
  host: '127.0.0.1',
  port: 0,
  dualStack: false,
  backlog: 16,
  connectionsMax: 0,
  connectionsPerClientMax: 0,
  proxyProtocol: null,
  timeouts: { headMs: 1_000, bodyIdleMs: 1_000, keepAliveMs: 1_000, rateMin: { bytesPerSecond: 0, windowMs: 0 } },
  tls: null,
}

export function stateWith(fields: Partial<DesiredState>): DesiredState {
  return {
    listeners: [],
    admin: ADMIN,
    acme: null,
    store: '',
    sealingKeys: [],
    counters: 'memory',
    threads: 1,
    engineHeapMax: 0,
    forwarded: { trusted: [], read: 'either', write: 'both' },
    via: '',
    egress: { allow: [], deny: [], ports: null, tls: USUAL_TLS },
    accessLog: 'off',
    drain: { delayMs: 0, timeoutMs: 0 },
    publishing: { unknownEvents: 'accept', invalidPayloads: 'accept' },
    delivery: {
      retries: { scheduleMs: [], jitter: 'proportional', expireMs: 0 },
      timeoutMs: 0,
      breaker: { failures: 10, openMs: 10_000, openMsMax: 300_000 },
      disable: { afterMs: 0, warnAfterMs: [] },
    },
    retention: { messagesMs: 0, attemptsMs: 0 },
    services: {},
    consumers: {},
    policies: [],
    routes: {},
    sources: {},
    eventTypes: {},
    ...fields,
  }
}
