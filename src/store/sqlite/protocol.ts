/** What goes over the port between a caller's thread and the store's: numbered calls one way, numbered answers back. */
import type { MessagePort } from 'node:worker_threads'
import type { Store } from '../port.ts'
import type { AppendBatch, SettleBatch } from './batches.ts'
import type { Fault } from './faults.ts'

/** Calls that change something: they share a transaction with whoever else is waiting. */
export const WRITES = [
  'claim',
  'claimOne',
  'release',
  'heartbeat',
  'reclaim',
  'requeue',
  'putConsumer',
  'deleteConsumer',
  'putEndpoint',
  'disableEndpoint',
  'deleteEndpoint',
  'putEventType',
  'deleteEventType',
  'putToken',
  'expireTokens',
  'deleteToken',
  'keepAnswer',
  'expunge',
  'expungeDue',
  'expungeAttempt',
  'putTask',
  'advanceTask',
  'putRevision',
  'initSetting',
  'putSetting',
  'purge',
  'putHealth',
  'deleteHealth',
  'putCertificate',
  'takeLease',
  'dropLease',
] as const satisfies readonly (keyof Store)[]

/** Calls that only look, or tidy: they are done outside a transaction. */
export const READS = [
  'nextDue',
  'getConsumer',
  'listConsumers',
  'allConsumers',
  'getEndpoint',
  'listEndpoints',
  'allEndpoints',
  'getEventType',
  'allEventTypes',
  'listEventTypes',
  'getMessage',
  'listDeliveries',
  'getAttempt',
  'getToken',
  'getAnswer',
  'getTask',
  'listTasks',
  'latestRevision',
  'listRevisions',
  'getSetting',
  'allSettings',
  'allHealth',
  'getCertificate',
  'allCertificates',
  'stats',
  'scrub',
] as const satisfies readonly (keyof Store)[]

/** Reads of what may be millions of rows: done a slice at a time, so that writers never wait for longer than a slice. */
export const WALKS = ['listMessages', 'listAttempts', 'countDeliveries'] as const satisfies readonly (keyof Store)[]

export type WriteName = (typeof WRITES)[number]
export type ReadName = (typeof READS)[number]
export type WalkName = (typeof WALKS)[number]
/** Every call that goes over as it is, one at a time. */
export type PlainName = WriteName | ReadName | WalkName

/** The method of the port as the store's thread has it: the same arguments, the result at once. */
export type Direct<Name extends PlainName> = (...args: Parameters<Store[Name]>) => Awaited<ReturnType<Store[Name]>>
/** A walk yields between slices and returns the list. */
export type Walk<Name extends WalkName> = (
  ...args: Parameters<Store[Name]>
) => Generator<undefined, Awaited<ReturnType<Store[Name]>>>

export type Call =
  | { readonly number: number; readonly name: 'append'; readonly batch: AppendBatch }
  | { readonly number: number; readonly name: 'settle'; readonly batch: SettleBatch }
  | PlainCall

/** A method of the port by name, with the arguments that the port gives it. */
export type PlainCall<Names extends PlainName = PlainName> = {
  readonly [Name in Names]: { readonly number: number; readonly name: Name; readonly args: Parameters<Store[Name]> }
}[Names]

const reads = new Set<string>(READS)
const walks = new Set<string>(WALKS)

export function isRead(call: Call): call is PlainCall<ReadName> {
  return reads.has(call.name)
}

export function isWalk(call: Call): call is PlainCall<WalkName> {
  return walks.has(call.name)
}

/**
 * The end of a call, part by part: a batch has as many parts as it holds callers' calls, any other call has one.
 * Null columns stand for nothing but undefined, which is how nearly every append and settle ends.
 */
export interface Answer {
  readonly number: number
  readonly values: readonly unknown[] | null
  readonly faults: readonly (Fault | undefined)[] | null
}

/** The value of one part of an append: which of its messages were there already, as [index, id of the one stored, by its key]. */
export type Duplicates = readonly (readonly [number, string, boolean])[] | undefined

/** What the main thread says to the store's thread. */
export type Order = { readonly connect: MessagePort } | 'close'
