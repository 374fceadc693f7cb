/** Certificates that are ordered from a CA: kept in the store, shared by processes, renewed in time, and never given up for a failed order. */
import type { Clock } from '../base/clock.ts'
import type { ListenerSpec } from '../model/gateway.ts'
import type { AcmeSpec, ChallengeAnswers, OrderedCertificate } from '../model/tls.ts'
import type { Log } from '../observe/log.ts'
import type { CertificateMetrics } from '../observe/metrics.ts'
import type { Store } from '../store/port.ts'
import { Challenges } from './challenges.ts'
import { renewAt, retryMs } from './due.ts'
import { Lease } from './lease.ts'
import type { Ca } from './order.ts'

/** Names that are ordered at the same time. */
const ORDERS_MAX = 4
/** How soon it is looked again whether somebody else has got what he is ordering. */
const OTHERS_MS = 5_000
/** No timer is set for longer: the wall clock may have been set meanwhile, the machine asleep. */
const LOOK_MS = 3_600_000

export interface CertificatesDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** Unique to this process. */
  readonly holder: string
  /** Resolves when every engine answers CAs so. */
  show(answers: ChallengeAnswers): Promise<void>
  /** Another certificate is to be shown. */
  changed(): Promise<void>
}

/** A name and what is known of its certificate. */
interface Kept {
  readonly name: string
  certificate: OrderedCertificate | null
  /** Wall clock, ms: when something is to be done about it. */
  dueAt: number
  /** In a row. */
  failures: number
  busy: boolean
}

export class Certificates {
  private readonly deps: CertificatesDeps
  private readonly challenges: Challenges
  private readonly issued: Record<string, number> = {}
  private readonly failed: Record<string, number> = {}
  private kept = new Map<string, Kept>()
  private spec: AcmeSpec | null = null
  /** Ends what is under way for this `spec`. */
  private current = new AbortController()
  private ca: Promise<Ca> | null = null
  private readonly running = new Set<Promise<void>>()
  private timer: NodeJS.Timeout | undefined
  private started = false

  constructor(deps: CertificatesDeps) {
    this.deps = deps
    this.challenges = new Challenges((answers) => deps.show(answers))
  }

  /** What CAs are to be shown now. */
  get answers(): ChallengeAnswers {
    return this.challenges.answers
  }

  get metrics(): CertificateMetrics {
    const { issued, failed } = this
    const known = [...this.kept].flatMap(([name, { certificate }]) =>
      certificate === null ? [] : [[name, certificate.expiresAt] as const],
    )
    return { expiresAt: Object.fromEntries(known), issued, failed }
  }

  /** These are wanted from now on, from this CA. Resolves when those that the store has are known. */
  async update(spec: AcmeSpec | null, listeners: readonly ListenerSpec[]): Promise<void> {
    if (JSON.stringify(spec) !== JSON.stringify(this.spec)) {
      this.current.abort()
      this.current = new AbortController()
      this.ca = null
      this.kept = new Map()
      this.spec = spec
    }
    const names = spec === null ? [] : new Set(listeners.flatMap(({ tls }) => tls?.ordered ?? []))
    const before = this.kept
    this.kept = new Map()
    for (const name of names) {
      const kept = before.get(name) ?? { name, certificate: null, dueAt: 0, failures: 0, busy: false }
      this.kept.set(name, kept)
      // What cannot be read now is read again before it is ordered.
      if (!before.has(name)) await this.read(kept).catch((error: unknown) => this.fail(kept, error))
    }
    this.schedule()
  }

  /** From now on what is due is ordered: whoever the CA asks must be there. */
  start(): void {
    this.started = true
    this.schedule()
  }

  /** Ends what is under way; what others wait for is theirs at once. */
  async stop(): Promise<void> {
    this.started = false
    clearTimeout(this.timer)
    this.current.abort()
    await Promise.all(this.running)
  }

  /** The listeners with the certificates that have come. */
  complete(listeners: readonly ListenerSpec[]): readonly ListenerSpec[] {
    return listeners.map((one) => {
      const { tls } = one
      if (tls === null || tls.ordered.length === 0) return one
      const come = tls.ordered.flatMap((name) => {
        const certificate = this.kept.get(name)?.certificate ?? null
        return certificate === null ? [] : [{ hosts: [name], chain: certificate.chain, key: certificate.key }]
      })
      return { ...one, tls: { ...tls, certificates: [...tls.certificates, ...come] } }
    })
  }

  /** Does what is due, and resolves when that is done. */
  async attend(): Promise<void> {
    const { kept, deps } = this
    const due = [...kept.values()].filter(({ busy, dueAt }) => !busy && dueAt <= deps.clock.now())
    for (const one of due) one.busy = true
    const inTurn = async () => {
      for (let one = due.shift(); one !== undefined; one = due.shift()) await this.attendTo(one)
    }
    const all = Promise.all(Array.from({ length: ORDERS_MAX }, inTurn)).then(() => {})
    this.running.add(all)
    await all
    this.running.delete(all)
  }

  private schedule(): void {
    clearTimeout(this.timer)
    const next = Math.min(...[...this.kept.values()].filter(({ busy }) => !busy).map(({ dueAt }) => dueAt))
    if (!this.started || next === Infinity) return
    const ms = Math.min(LOOK_MS, Math.max(0, next - this.deps.clock.now()))
    this.timer = setTimeout(() => void this.attend().then(() => this.schedule()), ms).unref()
  }

  /** Nothing that goes wrong with one name is the others' business. */
  private async attendTo(one: Kept): Promise<void> {
    const { spec, deps, current } = this
    let lease: Lease | null = null
    try {
      if (spec === null || current.signal.aborted) return
      lease = await Lease.take(deps, `order ${spec.directory} ${one.name}`)
      if (lease !== null) await this.obtain(one, spec, lease)
    } catch (error) {
      if (!current.signal.aborted && lease?.lost.aborted !== true) this.fail(one, error)
    } finally {
      // One that cannot be dropped ends by itself.
      await lease?.drop().catch(() => {})
      if (lease === null || lease.lost.aborted) one.dueAt = deps.clock.now() + OTHERS_MS
      one.busy = false
      this.schedule()
    }
  }

  private async obtain(one: Kept, spec: AcmeSpec, lease: Lease): Promise<void> {
    const { clock, store, log } = this.deps
    // Somebody else may have been quicker.
    if (await this.read(one)) await this.tell(one)
    if (one.dueAt > clock.now()) return
    // Meanwhile another CA may have been named: then it is asked, in another round.
    if (spec !== this.spec) return
    const ca = await this.reach(spec)
    const { name } = one
    const issued = await ca.order(name, this.challenges, lease.lost)
    const certificate = { issuer: spec.directory, name, issuedAt: clock.now(), ...issued }
    await store.putCertificate(certificate)
    this.adopt(one, certificate, spec)
    this.issued[name] = (this.issued[name] ?? 0) + 1
    log.info({ name, expiresAt: new Date(certificate.expiresAt).toISOString() }, 'certificate issued')
    await this.tell(one)
  }

  /** An engine that cannot take it goes on with what it has: nothing that another order would mend. */
  private async tell({ name }: Kept): Promise<void> {
    const { deps } = this
    await deps
      .changed()
      .catch((error: unknown) => deps.log.error({ err: error, name }, 'an engine did not take a certificate'))
  }

  /** True: the store has a newer one than we knew. */
  private async read(one: Kept): Promise<boolean> {
    const { spec } = this
    const stored = spec === null ? null : await this.deps.store.getCertificate(spec.directory, one.name)
    if (spec === null || stored === null || stored.issuedAt <= (one.certificate?.issuedAt ?? 0)) return false
    this.adopt(one, stored, spec)
    return true
  }

  private adopt(one: Kept, certificate: OrderedCertificate, spec: AcmeSpec): void {
    one.certificate = certificate
    one.failures = 0
    one.dueAt = renewAt(certificate, spec.renewBeforeMs, this.deps.random)
  }

  /** acme-client, and the megabytes it brings, are loaded by the first order. */
  private reach(spec: AcmeSpec): Promise<Ca> {
    const { signal } = this.current
    const made = async () => {
      const { Ca } = await import('./order.ts')
      const key = await this.deps.store.initSetting(`acme-account-key ${spec.directory}`, await Ca.newKey())
      return new Ca(spec, key, this.deps.clock, signal)
    }
    this.ca ??= made()
    return this.ca
  }

  private fail(one: Kept, error: unknown): void {
    const { clock, log, random } = this.deps
    const { name, certificate } = one
    this.failed[name] = (this.failed[name] ?? 0) + 1
    // Who we are is said anew: a CA may have forgotten, or been told otherwise.
    this.ca = null
    const waitMs = retryMs(error, ++one.failures, random)
    one.dueAt = clock.now() + waitMs
    const fields = {
      name,
      reason: error instanceof Error ? error.message : String(error),
      type: error instanceof Error ? (Reflect.get(error, 'type') ?? '') : '',
      againAt: new Date(one.dueAt).toISOString(),
      expiresAt: certificate === null ? null : new Date(certificate.expiresAt).toISOString(),
    }
    log.error(fields, certificate === null ? 'no certificate yet' : 'certificate not renewed; the one there is goes on')
  }
}
