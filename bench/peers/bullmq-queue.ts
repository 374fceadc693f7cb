/** What the accepting and the delivering process of the BullMQ peer have in common. */

export const QUEUE = 'deliveries'

export interface Job {
  readonly id: string
  /** The JSON to deliver and sign, as text. */
  readonly payload: string
}

/** From the arguments that both processes are given. */
export function connection(port: string, pipelining: string) {
  return {
    host: '127.0.0.1',
    port: Number(port),
    maxRetriesPerRequest: null,
    enableAutoPipelining: pipelining === 'true',
  }
}
