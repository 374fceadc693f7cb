/** What the main thread and its engines say to each other: calls with answers over a message port, typed on both ends. */
import type { MessagePort, Worker } from 'node:worker_threads'
import type { DesiredState, ListenerSpec } from './model/gateway.ts'
import type { ChallengeAnswers, TlsSpec } from './model/tls.ts'
import type { Log, LogLine } from './observe/log.ts'
import type { EngineMetrics } from './observe/metrics.ts'
import type { DirectoryChange } from './webhooks/directory.ts'
import type { Announcement } from './webhooks/guardian.ts'
import type { EndpointNews } from './webhooks/news.ts'

/** What an engine is born with. */
export interface EngineBoot {
  /** From 0. */
  readonly index: number
  /** Unique to this engine of this start of the process. */
  readonly lessee: string
  readonly revision: number
  readonly state: DesiredState
  readonly store: MessagePort
  /** What opens the store's secrets; the first seals. */
  readonly vaultKeys: readonly Uint8Array[]
  readonly counters: SharedArrayBuffer
  /** How many connections are open, at which listener and from whom. */
  readonly connections: SharedArrayBuffer
  /** The admin server on loopback. */
  readonly adminUrl: string
  readonly adminToken: string
  /** Who we are in `Via` when the configuration does not say: one name for all engines of this process. */
  readonly via: string
  /** What CAs are to be shown now. */
  readonly challenges: ChallengeAnswers
  /** What TLS session tickets are sealed with: one for all engines of this process. */
  readonly ticketSecret: Uint8Array
  /** Endpoints that fail as this engine starts. */
  readonly failing: readonly string[]
}

/** What an engine does when the main thread asks. */
export interface EngineCalls {
  /** Starts listening; resolves to what it is bound to. The last is the admin listener. */
  listen(listeners: readonly ListenerSpec[], admin: ListenerSpec, shared: boolean): Promise<readonly ListenerSpec[]>
  /** The numbers that the listening sockets have in this process, in the same order; null where there is none to be had. */
  descriptors(): Promise<readonly (number | null)[]>
  /** Compiles a revision and swaps it in. */
  apply(revision: number, state: DesiredState): Promise<void>
  /** What listeners do about TLS from now on, by place, the admin listener last: connections that stand go on as they are. */
  secure(tls: readonly (TlsSpec | null)[]): Promise<void>
  /** What CAs are to be shown from now on. */
  challenge(answers: ChallengeAnswers): Promise<void>
  directory(change: DirectoryChange): Promise<void>
  resend(messageId: string, endpointId: string): Promise<boolean>
  wake(): Promise<void>
  /** An endpoint has begun to fail, as another engine has heard. */
  failing(endpointId: string): Promise<void>
  /** An endpoint asks for patience, as another engine has heard. */
  pause(endpointId: string, ms: number): Promise<void>
  /** Tells the operational endpoints. */
  announce(announcement: Announcement): Promise<void>
  metrics(): Promise<EngineMetrics>
  /** Lets every exchange be the last of its connection, finishes what runs within the bound, lets go of everything. */
  drain(withinMs: number): Promise<void>
  /** Part of a drain, which until then goes on accepting. */
  stopAccepting(): Promise<void>
  /** Reads consumers and endpoints anew: another process may have changed them. */
  refresh(): Promise<void>
}

/** What an engine says unasked, besides its log: it took a connection from a Unix socket that it shares; it has news of endpoints. */
export type EngineEvent = { readonly acceptedAt: number } | { readonly endpoints: readonly EndpointNews[] }

interface Ask {
  readonly id: number
  readonly call: keyof EngineCalls
  readonly args: readonly unknown[]
}

interface Answer<T> {
  readonly id: number
  readonly value?: T
  readonly error?: string
}

/** The engine's end: answers calls with `calls`. */
export function answerCalls(port: MessagePort, calls: EngineCalls): void {
  port.on('message', ({ id, call, args }: Ask) => {
    // One name stands for one signature on both ends; only the compiler cannot follow it through the port.
    const done: Promise<unknown> = Reflect.apply(calls[call], calls, args)
    done.then(
      (value) => port.postMessage({ id, value } satisfies Answer<unknown>),
      (fault: unknown) => {
        const error = fault instanceof Error ? fault.message : String(fault)
        port.postMessage({ id, error } satisfies Answer<never>)
      },
    )
  })
}

/** The engine has ended without an answer. */
export class EngineEnded extends Error {
  override readonly name = 'EngineEnded'

  constructor() {
    super('the engine has ended')
  }
}

/**
 * The main thread's end: calls reach the engine, its log lines reach `log`, what else it says is `heard`. A call made before the engine answers waits for it;
 * one to an engine that has ended, or ends before it answers, rejects with EngineEnded.
 */
export function callsTo(worker: Worker, log: Log, heard: (event: EngineEvent) => void): EngineCalls {
  const waiting = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }
  >()
  let last = 0
  let ended = false
  worker.on('message', (said: Answer<never> | LogLine | EngineEvent) => {
    if ('level' in said) return log[said.level](said.fields, said.message)
    if ('acceptedAt' in said || 'endpoints' in said) return heard(said)
    const { id, value, error } = said
    const caller = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) caller?.resolve(value!)
    else caller?.reject(new Error(error))
  })
  worker.once('exit', () => {
    ended = true
    for (const caller of waiting.values()) caller.reject(new EngineEnded())
    waiting.clear()
  })
  const ask =
    (call: keyof EngineCalls) =>
    (...args: unknown[]) =>
      new Promise<never>((resolve, reject) => {
        if (ended) return reject(new EngineEnded())
        waiting.set(++last, { resolve, reject })
        worker.postMessage({ id: last, call, args } satisfies Ask)
      })
  return {
    listen: ask('listen'),
    descriptors: ask('descriptors'),
    apply: ask('apply'),
    secure: ask('secure'),
    challenge: ask('challenge'),
    directory: ask('directory'),
    resend: ask('resend'),
    wake: ask('wake'),
    failing: ask('failing'),
    pause: ask('pause'),
    announce: ask('announce'),
    metrics: ask('metrics'),
    drain: ask('drain'),
    stopAccepting: ask('stopAccepting'),
    refresh: ask('refresh'),
  }
}
