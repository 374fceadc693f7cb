/** A task: work over many messages that goes on by itself, a slice at a time, and says how far it has come. */
import type { DeliveryState } from './webhook.ts'

/** Created at or after `from` and before `until`, ms. */
interface Window {
  readonly from: number
  readonly until: number
}

interface ToEndpoint extends Window {
  readonly consumerId: string
  readonly endpointId: string
}

export type Work =
  /** Deliveries that were given up, or are held, begin anew. */
  | ({ readonly kind: 'recover' } & ToEndpoint)
  /** Messages that the endpoint would want now and never had get a delivery. */
  | ({ readonly kind: 'replay-missing' } & ToEndpoint)
  /** Deliveries begin anew, delivered or not; each filter narrows, null does not. */
  | ({
      readonly kind: 'replay'
      readonly eventTypes: readonly string[] | null
      readonly channel: string | null
      readonly tag: string | null
      /** Null is all that are over or held. */
      readonly states: readonly DeliveryState[] | null
      /** Of the last attempt: 200 is 200 to 299, 0 is no answer. */
      readonly statusClass: number | null
    } & ToEndpoint)
  /** The payloads of a consumer's messages go. */
  | ({ readonly kind: 'expunge'; readonly consumerId: string } & Window)
  /** Counts each consumer's deliveries. */
  | ({ readonly kind: 'usage'; readonly consumerIds: readonly string[] } & Window)
  /** Gathers what each consumer's endpoints want. */
  | { readonly kind: 'subscriptions'; readonly consumerIds: readonly string[] }

export type TaskKind = Work['kind']
export type TaskState = 'running' | 'finished' | 'failed'

/** Of one consumer, in the result of `usage`. */
export interface Usage {
  readonly consumerId: string
  readonly deliveries: number
}

/** Of one consumer, in the result of `subscriptions`. */
export interface Subscriptions {
  readonly consumerId: string
  /** What endpoints name, each type once. */
  readonly eventTypes: readonly string[]
  /** An endpoint wants every type. */
  readonly all: boolean
}

export interface Task {
  /** `qtask_…` */
  readonly id: string
  readonly work: Work
  readonly state: TaskState
  /** How far it has come; what it means is the work's own business. */
  readonly cursor: string | null
  /** Messages replayed or expunged so far, or consumers looked at. */
  readonly done: number
  readonly result: readonly (Usage | Subscriptions)[] | null
  /** Why it failed. */
  readonly failure: string | null
  readonly createdAt: number
  readonly updatedAt: number
}
