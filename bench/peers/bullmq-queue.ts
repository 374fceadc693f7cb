/** What the accepting and the delivering process of the BullMQ peer have in common. */

export const QUEUE = 'deliveries'

export interface Job {
  readonly id: string
  /** The JSON to deliver and sign, as text. */
  readonly payload: string
}

/** Commands of one turn of the event loop go out together: 10 to 20 % more events here. */
export function connection(port: number) {
  return { host: '127.0.0.1', port, maxRetriesPerRequest: null, enableAutoPipelining: true }
}
