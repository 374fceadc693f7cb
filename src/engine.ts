/** Composition root of an engine thread: opens its sockets, pools and clients, and joins gateway and post. */
import { flushCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { adminFront } from './admin/front.ts'
import { createPublish } from './admin/svix/publish.ts'
import { systemClock } from './base/clock.ts'
import { giveBackMemory } from './base/memory.ts'
import { ConnectionCounts } from './counters/connections.ts'
import { sharedCounters } from './counters/shared-memory.ts'
import { Consumers } from './gateway/consumers.ts'
import { Gateway } from './gateway/gateway.ts'
import { compileSnapshot } from './gateway/snapshot.ts'
import { type DesiredState, type ListenerSpec, listenerName } from './model/gateway.ts'
import type { ChallengeAnswers } from './model/tls.ts'
import { AccessLog } from './observe/access-log.ts'
import { remoteLog } from './observe/log.ts'
import type { PolicyDeps } from './pipeline/policy.ts'
import { policyNamed } from './policies/index.ts'
import { sealed } from './store/sealed.ts'
import { clientOf } from './store/sqlite/client.ts'
import { Vault } from './store/vault.ts'
import { type EngineBoot, type EngineEvent, answerCalls } from './threads.ts'
import { Services } from './upstream/service.ts'
import { acceptor } from './webhooks/accept.ts'
import { Catalogue } from './webhooks/catalogue.ts'
import type { DeliverDeps } from './webhooks/deliver.ts'
import { DestinationAuths } from './webhooks/destination-auth.ts'
import { Directory, type DirectoryChange } from './webhooks/directory.ts'
import { Dispatcher } from './webhooks/dispatcher.ts'
import { exhausted } from './webhooks/guardian.ts'
import { News } from './webhooks/news.ts'
import { Post } from './webhooks/post.ts'
import { PublishedKeys } from './webhooks/published-keys.ts'
import { retryRules } from './webhooks/retry-rules.ts'
import { Transformations } from './webhooks/transformations.ts'
import { AddressGuard } from './wire/address-guard.ts'
import { AlpnChallenge } from './wire/alpn-challenge.ts'
import { Deadlines } from './wire/deadlines.ts'
import { Listener } from './wire/listener.ts'
import { Pools } from './wire/pool.ts'
import { TlsServer } from './wire/tls-server.ts'
import { UpstreamTls } from './wire/upstream-tls.ts'

const boot: EngineBoot = workerData
const clock = systemClock
const log = remoteLog((line) => parentPort!.postMessage({ ...line, fields: { engine: boot.index, ...line.fields } }))
const store = sealed(clientOf(boot.store), new Vault(boot.vaultKeys))
const counters = sharedCounters(boot.counters)
const deadlines = new Deadlines(clock)
const pools = new Pools(deadlines)
const services = new Services(pools)
const guard = new AddressGuard()
const accessLog = new AccessLog(boot.state.accessLog, clock)
const directory = new Directory()
const catalogue = new Catalogue()
const publishedKeys = new PublishedKeys(directory, catalogue)

const auths = new DestinationAuths({ clock, pools, guard })
const transformations = new Transformations()
let deliverDeps: DeliverDeps
let { breaker } = boot.state.delivery
const say = (event: EngineEvent): void => parentPort!.postMessage(event)
const news = new News(clock, (endpoints) => say({ endpoints }))
news.known(boot.failing)
const dispatcher = new Dispatcher({
  store,
  lessee: boot.lessee,
  clock,
  log,
  counters,
  deliverDeps: () => deliverDeps,
  breaker: () => breaker,
  paused: (endpointId, ms) => news.paused(endpointId, ms),
  ended: (claimed, settlement, ending) => {
    news.ended(claimed, settlement, ending)
    const announcement = settlement.state === 'exhausted' ? exhausted(claimed, settlement) : null
    if (announcement !== null)
      void post.announce(announcement).catch((error: unknown) => log.error({ err: error }, 'not announced'))
  },
})
const accept = acceptor({ store, lessee: boot.lessee, clock, dispatcher })
const post = new Post({ accept, directory, clock })

/** Compiles everything that can fail before anything is swapped. */
function prepare(revision: number, state: DesiredState) {
  const consumers = new Consumers(state.consumers)
  const policyDeps = (place: string): PolicyDeps => ({
    clock,
    counters,
    consumerOfKey: (apiKey) => consumers.ofKey(apiKey),
    consumerOfCertificate: (certificate) => consumers.ofCertificate(certificate),
    emit: (emission) => post.emit(emission),
    place,
  })
  return compileSnapshot(revision, state, {
    policyNamed,
    via: boot.via,
    policyDeps,
    targets: {
      service: (name) => services.get(name),
      ingest: (source, { received, body }) => post.ingest(source, received, body),
      defer: (service, { received, body, routeName }) => post.defer(service, routeName, received, body),
      publish: (event, to, { body }) => post.publishBody(event, to, body),
      webhookKeys: (query) => publishedKeys.reply(query),
    },
  })
}

function install(state: DesiredState): void {
  post.update(state)
  services.update(state.services)
  guard.update(state.egress.allow, state.egress.deny, state.egress.ports)
  catalogue.rules = state.publishing
  publishedKeys.update(state)
  breaker = state.delivery.breaker
  pools.update(new UpstreamTls(state.egress.tls))
  deliverDeps = {
    clock,
    directory,
    services,
    pools,
    guard,
    rulesOf: retryRules(state),
    timeoutMs: state.delivery.timeoutMs,
    auths,
    transformations,
    tls: state.egress.tls,
  }
}

const first = prepare(boot.revision, boot.state)
install(boot.state)
const gateway = new Gateway(first, { clock, log, accessLog })
const publish = createPublish({
  directory,
  clock,
  fault: (eventType, payload) => catalogue.fault(eventType, payload),
  message: (id) => store.getMessage(null, id),
  publish: (input) => post.publish(input),
})
const admin = new Gateway(adminFront({ url: boot.adminUrl, token: boot.adminToken, pools, publish, via: boot.via }), {
  clock,
  log,
  accessLog,
})

/** By name, in order: the admin listener is the last. */
const listeners = new Map<string, Listener>()
/** Over when a drain is to accept no more. */
const accepting = Promise.withResolvers<void>()
/** By place; null for those in clear. */
const tlsServers: (TlsServer | null)[] = []

/** What CAs are shown from now on: over HTTP by the gateway, in handshakes of their own on every listener with TLS. */
let alpnChallenge: AlpnChallenge | null = null
function challenge({ tokens, certificates }: ChallengeAnswers): void {
  const texts = Object.entries(tokens)
  gateway.challenges = texts.length === 0 ? null : new Map(texts)
  alpnChallenge = certificates.length === 0 ? null : new AlpnChallenge(certificates)
  for (const tls of tlsServers) if (tls !== null) tls.challenge = alpnChallenge
}
challenge(boot.challenges)

/** Listens for `handler` on the listener of this place in the list; `shared` with other engines. */
async function listen(place: number, handler: Gateway, spec: ListenerSpec, shared: boolean): Promise<ListenerSpec> {
  const { connectionsMax, connectionsPerClientMax, proxyProtocol } = spec
  const isCapped = connectionsMax > 0 || connectionsPerClientMax > 0
  const admission = isCapped
    ? new ConnectionCounts(boot.connections, place, boot.index, connectionsMax, connectionsPerClientMax)
    : null
  const tls = spec.tls === null ? null : new TlsServer(spec.tls, boot.ticketSecret, clock)
  if (tls !== null) tls.challenge = alpnChallenge
  tlsServers.push(tls)
  const listener = new Listener(handler, deadlines, spec.timeouts, { admission, proxyProtocol, tls })
  if ('path' in spec) {
    await listener.listen(spec, spec.backlog)
    if (shared) listener.accepted = () => say({ acceptedAt: place })
    listeners.set(listenerName(spec), listener)
    return spec
  }
  const port = await listener.listen({ ...spec, reusePort: shared }, spec.backlog)
  listeners.set(listenerName({ ...spec, port }), listener)
  return { ...spec, port }
}

/** What changes while the directory is being read: it may come before or after what was read, and is said again. */
let meanwhile: DirectoryChange[] | null = null

async function loadDirectory(): Promise<void> {
  const changes = (meanwhile = [])
  const [consumers, endpoints] = [await store.allConsumers(), await store.allEndpoints()]
  const eventTypes = await store.allEventTypes()
  meanwhile = null
  directory.replace(consumers, endpoints)
  catalogue.replace(eventTypes)
  for (const change of changes) {
    directory.apply(change)
    catalogue.apply(change)
  }
}

await loadDirectory()
dispatcher.start()

answerCalls(parentPort!, {
  async listen(specs, adminSpec, shared) {
    const bound = []
    for (const [place, spec] of specs.entries()) bound.push(await listen(place, gateway, spec, shared))
    bound.push(await listen(specs.length, admin, adminSpec, shared))
    flushCompileCache()
    giveBackMemory()
    return bound
  },
  async apply(revision, state) {
    const snapshot = prepare(revision, state)
    install(state)
    gateway.snapshot = snapshot
  },
  async secure(tls) {
    for (const [place, spec] of tls.entries()) if (spec !== null) tlsServers[place]?.update(spec)
  },
  async challenge(answers) {
    challenge(answers)
  },
  async directory(change) {
    directory.apply(change)
    catalogue.apply(change)
    meanwhile?.push(change)
    dispatcher.changed([...(change.endpoints ?? []).map((one) => one.id), ...(change.removedEndpoints ?? [])])
  },
  async failing(endpointId) {
    news.known([endpointId])
  },
  async pause(endpointId, ms) {
    dispatcher.pause(endpointId, ms)
  },
  announce: (announcement) => post.announce(announcement),
  resend: (messageId, endpointId) => dispatcher.resend(messageId, endpointId),
  async wake() {
    dispatcher.wake()
  },
  async metrics() {
    return {
      engine: boot.index,
      routes: Object.fromEntries(gateway.routeMetrics),
      connections: Object.fromEntries([...listeners].map(([name, listener]) => [name, listener.open])),
      tunnels: { ...gateway.tunnels },
      refused: Object.fromEntries(gateway.refusals),
      webhooks: { ...dispatcher.counts },
    }
  },
  descriptors: () => Promise.resolve([...listeners.values()].map((listener) => listener.descriptor)),
  refresh: loadDirectory,
  async stopAccepting() {
    accepting.resolve()
  },
  async drain(withinMs) {
    const closed = Promise.all([...listeners.values()].map((listener) => listener.drain(withinMs, accepting.promise)))
    await accepting.promise
    // One bound for both: what the listeners leave of it is the dispatcher's, and a moment is always left to record.
    const until = clock.elapsed() + withinMs
    await closed
    await dispatcher.stop(Math.max(1_000, until - clock.elapsed()))
    await store.close()
    await transformations.close()
    pools.close()
    deadlines.close()
    await accessLog.close()
    parentPort!.unref()
  },
})
