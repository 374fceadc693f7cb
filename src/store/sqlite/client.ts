/** A Store over a port, for any thread: what is called within one turn of the event loop goes over in one message. */
import type { MessagePort } from 'node:worker_threads'
import type { AppendResult, NewMessage, Settlement, Store } from '../port.ts'
import { StoreUnavailable } from '../port.ts'
import type { AppendBatch, SettleBatch } from './batches.ts'
import { addAppend, addSettle, appendBatch, settleBatch } from './batches.ts'
import { asError, errorOf } from './faults.ts'
import type { Answer, Call, Duplicates, PlainName } from './protocol.ts'
import { READS, WALKS, WRITES } from './protocol.ts'

/** A caller who waits for one part of a call. */
interface Caller {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A call before the port's types are known to hold for it. */
type Outgoing = Call | { readonly number: number; readonly name: PlainName; readonly args: readonly unknown[] }

const STORED: AppendResult = Object.freeze({ stored: true })

/**
 * The store behind a port that StoreHost.connect gave. It keeps the event loop alive only while calls are in flight. When
 * the store's thread ends, calls in flight and later ones reject with StoreUnavailable. `close()` waits for the calls in
 * flight and lets go of the port; the store itself goes on.
 */
export function clientOf(port: MessagePort): Store {
  const inFlight = new Map<number, readonly Caller[]>()
  let calls: Outgoing[] = []
  let append: { batch: AppendBatch; callers: Caller[] } | null = null
  let settle: { batch: SettleBatch; callers: Caller[] } | null = null
  let lastNumber = 0
  let bytesHint = 0
  let scheduled = false
  let refusal: string | null = null // why new calls are refused
  let hasEnded = false
  let whenIdle: (() => void) | null = null

  function expect(callers: readonly Caller[]): number {
    if (inFlight.size === 0) port.ref()
    inFlight.set(++lastNumber, callers)
    if (!scheduled) setImmediate(flush)
    scheduled = true
    return lastNumber
  }

  function finish(number: number): readonly Caller[] {
    const callers = inFlight.get(number) ?? []
    inFlight.delete(number)
    if (inFlight.size === 0) {
      port.unref()
      whenIdle?.()
    }
    return callers
  }

  function flush(): void {
    scheduled = false
    const bytes = append === null ? [] : [append.batch.bytes]
    bytesHint = append?.batch.payloadEnds.at(-1) ?? 0
    const sent = calls
    calls = []
    append = settle = null
    if (hasEnded || sent.length === 0) return
    try {
      port.postMessage(sent, bytes)
    } catch {
      for (const call of sent) sendAlone(call) // one of them holds what cannot be cloned
    }
  }

  function sendAlone(call: Outgoing): void {
    try {
      port.postMessage([call], call.name === 'append' ? [call.batch.bytes] : [])
    } catch (error) {
      for (const caller of finish(call.number)) caller.reject(asError(error))
    }
  }

  function receive({ number, values, faults }: Answer): void {
    for (const [part, caller] of finish(number).entries()) {
      const fault = faults?.[part]
      if (fault === undefined) caller.resolve(values?.[part])
      else caller.reject(errorOf(fault))
    }
  }

  function end(reason: string): void {
    hasEnded = true
    refusal ??= reason
    const error = new StoreUnavailable(refusal)
    for (const number of inFlight.keys()) for (const caller of finish(number)) caller.reject(error)
  }

  /** A promise for what `add` hands on with its caller; refused when the store is gone, or when `add` throws. */
  function promise<T>(add: (caller: Caller) => void, decode: (value: unknown) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (refusal !== null) throw new StoreUnavailable(refusal)
      add({ resolve: (value) => resolve(decode(value)), reject })
    })
  }

  function appendAll(lessee: string, messages: readonly NewMessage[]): Promise<readonly AppendResult[]> {
    return promise(
      (caller) => {
        if (append === null) {
          append = { batch: appendBatch(bytesHint), callers: [] }
          calls.push({ number: expect(append.callers), name: 'append', batch: append.batch })
        }
        addAppend(append.batch, lessee, messages)
        append.callers.push(caller)
      },
      (duplicates) => resultsOf(messages.length, Array.isArray(duplicates) ? duplicates : undefined),
    )
  }

  function settleAll(lessee: string, settlements: readonly Settlement[]): Promise<void> {
    return promise(
      (caller) => {
        if (settle === null) {
          settle = { batch: settleBatch(), callers: [] }
          calls.push({ number: expect(settle.callers), name: 'settle', batch: settle.batch })
        }
        addSettle(settle.batch, lessee, settlements)
        settle.callers.push(caller)
      },
      () => undefined,
    )
  }

  port.on('message', (answers: readonly Answer[]) => answers.forEach(receive))
  port.on('close', () => end('The connection to the store has ended.'))
  port.unref()

  function plain(name: PlainName): (...args: unknown[]) => Promise<unknown> {
    return (...args) =>
      promise(
        (caller) => calls.push({ number: expect([caller]), name, args }),
        (value) => value,
      )
  }

  // The names, the arguments and, at the other end, the results are typed by the port; only the port of messages is not.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const methods = Object.fromEntries(
    [...WRITES, ...READS, ...WALKS].map((name) => [name, plain(name)]),
  ) as unknown as Pick<Store, PlainName>

  return {
    ...methods,
    append: appendAll,
    settle: settleAll,
    async close() {
      refusal ??= 'The store is closed.'
      flush()
      if (inFlight.size > 0) await new Promise<void>((resolve) => (whenIdle = resolve))
      port.close()
    },
  }
}

function resultsOf(count: number, duplicates: Duplicates): readonly AppendResult[] {
  const results = Array.from({ length: count }, () => STORED)
  for (const [index, existingId, repeats] of duplicates ?? []) results[index] = { stored: false, existingId, repeats }
  return results
}
