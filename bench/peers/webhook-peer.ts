/** What every webhook platform in the comparison is to the benchmark: somewhere to publish, and a promise to deliver. */

export interface RunningPlatform {
  /** Its processes; their descendants are counted with them. */
  readonly pids: readonly number[]
  /** Where events are POSTed; 2xx is an accepted event. */
  readonly publishUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** `whsec_…`, as standardwebhooks wants it. */
  readonly secret: string
  /** True once the deliveries of these webhook-ids, the last to arrive, are on record as done. */
  recorded(lastIds: readonly string[]): Promise<boolean>
}

export interface WebhookPeer {
  readonly name: string
  /** Starts it with one endpoint, the receiver; resolves when it accepts events. */
  start(folder: string, receiverUrl: string): Promise<RunningPlatform>
}
