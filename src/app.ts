/** Composition root of the main thread: opens the store, starts the engines and the admin server, and keeps them of one mind. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { Certificates } from './acme/certificates.ts'
import { createAdminApp } from './admin/app.ts'
import { listenAdmin } from './admin/server.ts'
import { systemClock } from './base/clock.ts'
import { newId } from './base/ids.ts'
import { giveBackMemory } from './base/memory.ts'
import { storeDeclared } from './config/declared.ts'
import { NamedFiles } from './config/named-files.ts'
import { awaitRestart } from './config/restart.ts'
import { Revisions, firstRevision } from './config/revisions.ts'
import { watchFile } from './config/watch.ts'
import { createConnectionCounts, forgetConnections } from './counters/connections.ts'
import { createSharedCounters } from './counters/shared-memory.ts'
import { Engines } from './engines.ts'
import { explain } from './gateway/explain.ts'
import { type DesiredState, type ListenerSpec, listenerName, listenersOf } from './model/gateway.ts'
import { Keepers } from './keepers.ts'
import { openLog } from './observe/process-log.ts'
import { exposition } from './observe/metrics.ts'
import {
  ConfigRefused,
  type Environment,
  adminToken,
  configReader,
  loadConfig,
  openStore,
  rehearse,
  storePath,
  unlock,
} from './rehearsal.ts'
import { resealAll } from './store/sealed.ts'
import { awaitSuccessor, controlPath, succeed } from './succession.ts'
import { AddressGuard } from './wire/address-guard.ts'

/**
 * When another process has taken over: connections whose handshake had begun with us are still accepted. Long enough for a handshake
 * whose last packet is lost and sent again.
 */
const HANDSHAKES_MS = 3_000

export interface AppOptions {
  /** Absolute path of the configuration file. */
  readonly file: string
  readonly env: Environment
  /** Take the place of the process that serves this store, if there is one; else that process is a fault. */
  readonly takeover: boolean
  /** The store is gone, or every engine fails: the process cannot go on. */
  readonly onFatal: (error: Error) => void
}

export interface App {
  /** URLs of the gateway's listeners. */
  readonly gateway: readonly string[]
  readonly admin: string
  /** Resolves when another process serves in the place of this one, which is then to be stopped. */
  readonly relieved: Promise<void>
  /** Finishes what runs within the bound that the configuration gives, then lets go of everything. */
  stop(): Promise<void>
}

/** Rejects with ConfigRefused, or with the system's error when a file or address cannot be had. */
export async function startApp({ file, env, takeover, onFatal }: AppOptions): Promise<App> {
  const clock = systemClock
  const log = openLog(env['POSTERN_LOG'] ?? 'info')

  const parse = configReader(file, env, log)
  const written = readFileSync(file, 'utf8')
  const loaded = loadConfig(written, file, env)
  if (!loaded.ok) throw new ConfigRefused(loaded.faults, written)
  rehearse(0, loaded.state)

  const control = controlPath(storePath(loaded.state))
  const predecessor = takeover ? await succeed(control) : null
  const tenancy = predecessor === null ? 'alone' : 'successor'
  const host = await openStore(loaded.state, { onFailure: onFatal, tenancy })
  const { store, vault, raw } = await unlock(host, loaded.state, env).catch(async (error: unknown) => {
    await host.close()
    throw error
  })
  const token = await adminToken(store)
  const via = `postern-${randomBytes(4).toString('hex')}`
  const ticketSecret = randomBytes(32)
  const rehearsed = (revision: number, next: DesiredState) => void rehearse(revision, next)
  const { record, unservable, ...first } = await firstRevision({ store, clock, parse, rehearse: rehearsed }, written)
  if (unservable !== null)
    log.error(unservable, 'the newest revision can no longer be served: the file is served in its place')
  let { state } = first
  let snapshot = rehearse(record.number, state)

  const guard = new AddressGuard()
  const counters = createSharedCounters()
  const listening = predecessor === null ? listenersOf(state) : predecessor.inherited(listenersOf(state))
  const perClient = listening.some((one) => one.connectionsPerClientMax > 0)
  const connections = createConnectionCounts(listening.length, state.threads, perClient)
  const engines = new Engines({
    log,
    onFatal,
    ended: (index) => forgetConnections(connections, index),
    news: (endpoints) => keepers.guardian.hear(endpoints),
    boot: (index) => ({
      index,
      lessee: newId(`engine-${index}-`, clock.now()),
      revision: snapshot.revision,
      state,
      store: host.connect(),
      vaultKeys: vault.keys,
      counters,
      connections,
      adminUrl: adminServer.url,
      adminToken: token,
      via,
      challenges: certificates.answers,
      ticketSecret,
      failing,
    }),
  })

  const usual = { store, clock, log, holder: newId('process-', clock.now()) }
  const certificates = new Certificates({
    ...usual,
    random: Math.random,
    show: (answers) => engines.every((engine) => engine.challenge(answers)).then(() => {}),
    changed: () => secure(),
  })
  const secure = () => engines.secure(certificates.complete(listenersOf(state)))
  await certificates.update(state.acme, listenersOf(state))
  const keepers = new Keepers({ ...usual, engines, state: () => state })
  const failing = await keepers.guardian.start()

  const declare = async (next: DesiredState) => {
    const declared = await storeDeclared(store, next, clock)
    await engines.every((engine) => engine.directory(declared))
  }
  const install = async (revision: number, next: DesiredState, files: ReadonlyMap<string, string>) => {
    for (const key of awaitRestart(state, next)) log.warn({ key }, 'takes effect at the next start')
    namedFiles.update(files)
    snapshot = rehearse(revision, next)
    state = next
    guard.update(next.egress.allow, next.egress.deny, next.egress.ports)
    await certificates.update(next.acme, listenersOf(next))
    // It has been rehearsed: an engine that cannot take it has a trouble of its own, and the revision runs in the others.
    await engines
      .every((engine) => engine.apply(revision, next))
      .then(secure)
      .catch((error: unknown) => log.error({ err: error, revision }, 'an engine did not take the revision'))
    log.info({ revision }, 'revision applied')
  }
  const revisions = new Revisions({ store, clock, parse, rehearse: rehearsed, declare, install })
  revisions.started(record)
  const namedFiles = new NamedFiles(() => void reread())
  const reread = async () => {
    const read = await revisions.reread()
    if (!read.ok)
      log.error(read, 'a file that the configuration names has changed and cannot be used; it goes on with what it had')
  }
  guard.update(state.egress.allow, state.egress.deny, state.egress.ports)
  await declare(state)

  const wake = () => void engines.every((engine) => engine.wake())
  let ready = false
  const adminApp = createAdminApp({
    store,
    token,
    clock,
    config: {
      current: () => revisions.current(),
      apply: (text, expected) => revisions.apply(text, expected, 'api'),
      history: (limit) => revisions.history(limit),
    },
    explain: (method, url) => explain(snapshot, method, url),
    metrics: async () =>
      exposition({
        revision: revisions.current()?.revision ?? 0,
        engines: await engines.metrics(),
        certificates: certificates.metrics,
        store: await store.stats(),
      }),
    ready: () => ready,
    directoryChanged: (change) => {
      keepers.guardian.changed(change.endpoints ?? [])
      return engines.every((engine) => engine.directory(change))
    },
    resend: async (messageId, endpointId) => {
      const engine = engines.any()
      return engine === undefined ? false : engine.resend(messageId, endpointId)
    },
    startTask: (work) => keepers.tasks.add(work),
    wake,
    egressAllowed: (url) => guard.refusalOfUrl(url),
    fault: (error) => log.error({ err: error }, 'the admin server failed to answer'),
  })
  const adminServer = await listenAdmin(adminApp)

  let successorAwaited: Awaited<ReturnType<typeof awaitSuccessor>> | null = null
  const close = async () => {
    successorAwaited?.close()
    await certificates.stop()
    await engines.terminate()
    await adminServer.close()
    await keepers.stop()
    await host.close()
  }
  /** Engines of the process that has taken the place of this one. */
  let successors = 0
  const stop = async () => {
    ready = false
    watch?.stop()
    namedFiles.stop()
    // At once: new connections, a CA's too, are for whoever comes after us.
    void certificates.stop()
    const { timeoutMs, delayMs } = state.drain
    const drained = engines.drain(timeoutMs, successors > 0 ? HANDSHAKES_MS : delayMs, successors)
    await drained.catch((error: unknown) => log.error({ err: error }, 'drain'))
    await close()
    log.info({}, 'stopped')
  }
  let watch: ReturnType<typeof watchFile> | null = null

  let bound: readonly ListenerSpec[]
  try {
    const names = listenersOf(state).map(listenerName)
    bound = await engines.start(certificates.complete(listening), names, state.threads, predecessor)
  } catch (error) {
    await close()
    throw error
  }
  namedFiles.update(first.files)
  ready = true
  await keepers.start()
  flushCompileCache()
  giveBackMemory()

  watch = watchFile(
    file,
    (text) => {
      revisions
        .apply(text, null, 'file')
        .then((applied) => {
          if (!applied.ok) log.error({ ...applied, file }, 'revision refused')
        })
        .catch((error: unknown) => log.error({ err: error, file }, 'revision refused'))
    },
    { text: written },
  )

  await predecessor?.relieve(engines, log, async () => {
    await engines.every((engine) => engine.refresh())
    await revisions.catchUp()
  })
  const resealed = await resealAll(raw, vault)
  if (resealed > 0) log.info({ resealed }, 'secrets are sealed with the newest key')
  // Not before: until here a CA may come to the engines of the process before, which know nothing of what it is to be shown.
  certificates.start()
  const relieved = Promise.withResolvers<void>()
  successorAwaited = await awaitSuccessor(control, {
    engines,
    listeners: listenersOf(first.state).map((written, place) => ({ written, bound: bound[place]! })),
    relieved: (count) => {
      successors = count
      relieved.resolve()
    },
  }).catch((error: unknown) => {
    log.warn({ err: error }, 'no other process can take the place of this one')
    return null
  })

  const app = { gateway: bound.slice(0, -1).map(urlOf), admin: urlOf(bound.at(-1)!), relieved: relieved.promise, stop }
  const { gateway, admin } = app
  log.info({ gateway, admin, revision: record.number, threads: state.threads }, 'ready')
  return app
}

/** A URL, or `unix:PATH`. */
function urlOf(spec: ListenerSpec): string {
  return 'path' in spec ? listenerName(spec) : `${spec.tls === null ? 'http' : 'https'}://${listenerName(spec)}`
}
