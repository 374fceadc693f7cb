/** What can be done with a configuration and its store without a running system: read it, compile it, explain it, open it. */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { dirname } from 'node:path'
import { systemClock } from './base/clock.ts'
import type { Fault } from './config/fault.ts'
import { type LoadResult, parseConfig } from './config/load.ts'
import { createSharedCounters, sharedCounters } from './counters/shared-memory.ts'
import { type Explanation, explain } from './gateway/explain.ts'
import { type Snapshot, compileSnapshot } from './gateway/snapshot.ts'
import type { DesiredState } from './model/gateway.ts'
import type { Log } from './observe/log.ts'
import { policyNamed } from './policies/index.ts'
import { DOCUMENTED_POLICIES } from './policies/schemas.ts'
import { PROVIDERS } from './signatures/providers/index.ts'
import { openVault } from './store/keyring.ts'
import { json } from './pipeline/reply.ts'
import type { Store } from './store/port.ts'
import { sealed } from './store/sealed.ts'
import { type StoreHost, type StoreOptions, openSqliteStore } from './store/sqlite/open.ts'
import { compileSources } from './webhooks/sources.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A configuration that cannot be started with. */
export class ConfigRefused extends Error {
  override readonly name = 'ConfigRefused'
  readonly faults: readonly Fault[]
  readonly text: string

  constructor(faults: readonly Fault[], text: string) {
    super(`the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}`)
    this.faults = faults
    this.text = text
  }
}

export function loadConfig(text: string, file: string, env: Environment): LoadResult {
  return parseConfig(text, {
    env,
    baseDir: dirname(file),
    policies: DOCUMENTED_POLICIES,
    providers: PROVIDERS.map((provider) => provider.id),
  })
}

/** Reads texts in the place of `file`, and tells the log of what can be served and is doubtful. */
export function configReader(file: string, env: Environment, log: Log): (text: string) => LoadResult {
  return (text) => {
    const read = loadConfig(text, file, env)
    if (read.ok) for (const warning of read.warnings) log.warn(warning, 'the configuration can be served, but')
    return read
  }
}

export function openStore(state: DesiredState, options: StoreOptions = {}): Promise<StoreHost> {
  const path = storePath(state)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return openSqliteStore(path, options)
}

/** A client of the store that sees its secrets open, what opens them, and a client that does not. Throws VaultLocked. */
export async function unlock(host: StoreHost, state: DesiredState, env: Environment) {
  const raw = host.client()
  const { POSTERN_MASTER_KEY: key } = env
  const given = state.sealingKeys.length === 0 && key !== undefined ? [key] : state.sealingKeys
  const vault = await openVault(raw, { given, file: keyFileOf(state) })
  return { store: sealed(raw, vault), vault, raw }
}

/** Where the keys of its secrets are, unless they are given. */
export function keyFileOf(state: DesiredState): string {
  return `${storePath(state)}.key`
}

export function storePath({ store }: DesiredState): string {
  return store.slice('sqlite:'.length)
}

/** The bearer token of a store's admin and webhook API; made on first use. */
export function adminToken(store: Store): Promise<string> {
  return store.initSetting('admin-token', `pst_${randomBytes(32).toString('base64url')}`)
}

/** Compiles without a running system, for checks and explanations. Throws what compiling throws. */
export function rehearse(revision: number, state: DesiredState): Snapshot {
  compileSources(state.sources)
  const nothing = () => Promise.reject(new Error('a rehearsal serves nothing'))
  return compileSnapshot(revision, state, {
    policyNamed,
    policyDeps: (place) => ({
      clock: systemClock,
      counters: sharedCounters(createSharedCounters(8)),
      consumerOfKey: () => null,
      consumerOfCertificate: () => null,
      emit: nothing,
      place,
    }),
    targets: {
      service: () => null,
      ingest: nothing,
      defer: nothing,
      publish: nothing,
      webhookKeys: () => json(503, {}, 'rehearsal'),
    },
    via: 'rehearsal',
  })
}

export function explainState(state: DesiredState, method: string, url: string): Explanation {
  return explain(rehearse(0, state), method, url)
}

/**
 * Compiles what the threads run and keeps it (see main.ts), for a process that is about to start Postern in another one: a thread that
 * has to compile loads a compiler of its own, 15 MB that it keeps.
 */
export async function compileThreads(): Promise<void> {
  // Outside a thread these two end in an error, but only after they and all they import have been compiled.
  await Promise.allSettled([import('./engine.ts'), import('./store/sqlite/thread.ts')])
  flushCompileCache()
}
