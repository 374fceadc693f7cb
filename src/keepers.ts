/** What the main thread does for the post of its own accord: watches over endpoints, works through tasks, forgets what is too old. */
import type { Clock } from './base/clock.ts'
import type { Engines } from './engines.ts'
import type { DesiredState } from './model/gateway.ts'
import type { Log } from './observe/log.ts'
import type { Store } from './store/port.ts'
import { Guardian } from './webhooks/guardian.ts'
import { Retention } from './webhooks/retention.ts'
import { Tasks } from './webhooks/tasks.ts'

export interface KeepersDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Unique to this process. */
  readonly holder: string
  readonly engines: Engines
  readonly state: () => DesiredState
}

export class Keepers {
  readonly guardian: Guardian
  readonly tasks: Tasks
  private readonly retention: Retention

  constructor(deps: KeepersDeps) {
    const { store, clock, log, engines, state } = deps
    this.guardian = new Guardian({
      store,
      clock,
      log,
      rules: () => state().delivery.disable,
      changed: (endpoint) => engines.every((engine) => engine.directory({ endpoints: [endpoint] })),
      announce: async (announcement) => engines.any()?.announce(announcement),
      failing: (endpointId) => engines.every((engine) => engine.failing(endpointId)),
      pause: (endpointId, ms) => engines.every((engine) => engine.pause(endpointId, ms)),
    })
    this.retention = new Retention({ ...deps, rules: () => state().retention })
    const fault = (error: unknown) => log.error({ err: error }, 'a task cannot go on')
    this.tasks = new Tasks({ store, clock, fault, wake: () => void engines.every((engine) => engine.wake()) })
  }

  /** Once the engines serve. */
  async start(): Promise<void> {
    await this.tasks.start()
    this.retention.start()
  }

  async stop(): Promise<void> {
    this.retention.stop()
    await this.tasks.stop()
  }
}
