/** A desired state of nothing, for tests that need one whole and care about a part. */
import type { DesiredState } from '../../../src/model/gateway.ts'

export function stateWith(fields: Partial<DesiredState>): DesiredState {
  return {
    listeners: [],
    admin: { host: '127.0.0.1', port: 0 },
    store: '',
    counters: 'memory',
    threads: 1,
    egress: { allow: [] },
    accessLog: 'off',
    delivery: { scheduleMs: [], timeoutMs: 0 },
    services: {},
    consumers: {},
    policies: [],
    routes: {},
    sources: {},
    eventTypes: {},
    ...fields,
  }
}
