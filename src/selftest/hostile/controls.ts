/** Clients that do nothing wrong while an attack runs: each must get the answer to its own request, and nothing else. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answersTo } from '../answers-read.ts'
import { RawClient } from '../raw-client.ts'
import { type Target, open } from '../target.ts'
import type { Watch } from './watch.ts'

const EVERY_MS = 15
const DEADLINE_MS = 20_000

export class Control {
  /** Exchanges that went as they should. */
  good = 0
  /** Answers of 5xx: no harm where a gateway has lost its upstream's connection, if they are few. */
  refused = 0
  private readonly name: string
  private readonly target: Target
  private readonly watch: Watch
  private readonly isStrict: boolean

  constructor(name: string, target: Target, watch: Watch, isStrict: boolean) {
    this.name = name
    this.target = target
    this.watch = watch
    this.isStrict = isStrict
  }

  /** Asks and asks until it is over. */
  async run(over: AbortSignal): Promise<void> {
    let client: RawClient | null = null
    for (let n = 0; !over.aborted; n++) {
      if (client === null || client.over !== 'no') client = await RawClient.over(open(this.target))
      const isGood = await this.exchange(client, n, over)
      if (!isGood) {
        client.close()
        client = null
      }
      await sleep(EVERY_MS)
    }
    client?.close()
  }

  private async exchange(client: RawClient, n: number, over: AbortSignal): Promise<boolean> {
    const { host, path } = this.target
    const name = `/control/${this.name}/${n}`
    const body = n % 2 === 0 ? '' : `${this.name}.${n}`
    const sent = `${body === '' ? 'GET' : 'PUT'} ${path}${name} HTTP/1.1\r\nHost: ${host}\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`
    await client.send(sent)
    await client.waitFor(() => client.over !== 'no' || answersTo(client).whole.length > 0, DEADLINE_MS, over)
    if (over.aborted) return true
    const answers = answersTo(client)
    const answer = answers.whole[0]
    const { received } = client
    client.forget()
    if (answer === undefined) {
      this.fault(
        client.over === 'no'
          ? `a good request had no answer within ${DEADLINE_MS / 1_000} s`
          : 'a good request was cut off',
        sent,
        received,
      )
      return false
    }
    if (answer.status >= 500) {
      this.refused++
      // On a busy machine our own upstream may be late (504). What has a body is not repeated when the connection it went by turns out dead (RFC 9110 §9.2.2).
      if (this.isStrict && body === '' && answer.status !== 504)
        this.watch.note(`a good request was answered ${answer.status}`, sent, answer.body.toString('latin1'))
      return false
    }
    const told = answer.body.toString('latin1')
    if (answer.status !== 200 || !told.endsWith(name) || answers.rest !== '') {
      this.watch.note(
        'a good request was given an answer that is not its own',
        sent,
        `${answer.start} ${told}${answers.rest}`,
      )
      return false
    }
    this.good++
    return true
  }

  /** A connection that ends between two requests may do so; it is only a fault of ours if it is always so. */
  private fault(what: string, sent: string, seen: string): void {
    if (this.isStrict) this.watch.note(what, sent, seen)
    else this.refused++
  }
}
