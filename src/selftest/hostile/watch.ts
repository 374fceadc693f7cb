/** What is known of the attacks that run: who sent what, what of it an upstream may see, and what was found wrong. */
import { valuesOf } from '../raw-message.ts'
import type { RecordedRequest } from '../recording-upstream.ts'
import { TOKEN } from './exchanges.ts'
import type { Plan } from './plan.ts'
import type { Meant } from './reference.ts'

export interface Finding {
  readonly what: string
  /** `RUN:N`; the run alone where it was no single attack. */
  readonly seed: string
  /** latin1. */
  readonly sent: string
  readonly seen: string
}

/** An attack that is under way, or was a moment ago. */
export interface Running {
  readonly plan: Plan
  /** Which of what was meant an upstream has seen. Not in order: two connections have none between them. */
  readonly seen: Set<number>
  /** An upstream saw a request whose path names it. */
  reached: boolean
}

/** Many of one kind say no more than a few. */
const OF_A_KIND_MAX = 5

export class Watch {
  readonly findings: Finding[] = []
  /** Also those beyond the ones that are kept. */
  found = 0
  private readonly run: string
  /** Whether requests upstream are held against what a strict reader makes of the client's bytes. */
  readonly isStrict: boolean
  private readonly running = new Map<string, Running>()

  constructor(run: string, isStrict: boolean) {
    this.run = run
    this.isStrict = isStrict
  }

  begin(plan: Plan): Running {
    const running = { plan, seen: new Set<number>(), reached: false }
    this.running.set(plan.token, running)
    return running
  }

  forget({ plan }: Running): void {
    this.running.delete(plan.token)
  }

  /** A request of whoever is not of the attack. */
  note(what: string, sent: string, seen: string): void {
    this.keep({ what, seed: this.run, sent, seen })
  }

  blame({ plan }: Running, what: string, seen: string): void {
    this.keep({ what, seed: plan.seed, sent: plan.text, seen })
  }

  /** Tokens in `text` that were issued to somebody else than `own`. */
  strangersIn(text: string, own: string): string[] {
    return [...new Set(text.match(TOKEN))].filter((token) => token !== own && this.running.has(token))
  }

  /** A whole request reached the upstream. */
  request(request: RecordedRequest): void {
    const text = textOf(request)
    const senders = [...new Set(text.match(TOKEN))].flatMap((token) => this.running.get(token) ?? [])
    const [sender] = senders
    if (senders.length > 1 && sender !== undefined)
      return this.blame(sender, 'bytes of two clients in one request upstream', text)
    if (sender === undefined) {
      // Whoever it was has altered its own token.
      if (!this.isStrict || request.target.includes('/control/') || isOfH2(request)) return
      const someone = [...this.running.values()].find((one) => matchesOf(one, request).length > 0)
      if (someone === undefined) this.note('a request upstream that nobody sent', '', text)
      return
    }
    if (request.target.split('?', 1)[0]!.match(TOKEN)?.[0] === sender.plan.token) sender.reached = true
    if (!this.isStrict || sender.plan.frames !== null) return
    const matches = matchesOf(sender, request)
    const match = matches.find((i) => !sender.seen.has(i))
    if (match !== undefined) sender.seen.add(match)
    else if (matches.length === 0) this.blame(sender, 'a request upstream that was not sent as one', text)
    else if (request.method === 'POST') this.blame(sender, 'a POST was made twice', text)
  }

  private keep(finding: Finding): void {
    this.found++
    const kin = this.findings.filter(({ what }) => what === finding.what)
    if (kin.length < OF_A_KIND_MAX) this.findings.push(finding)
  }
}

/** Who sent it spoke HTTP/2, as a Postern says (RFC 9110 §7.6.3). */
function isOfH2(request: RecordedRequest): boolean {
  return valuesOf(request, 'via').some((via) => via.startsWith('2 '))
}

/** Which of what was meant the request can be. */
function matchesOf({ plan }: Running, request: RecordedRequest): number[] {
  const body = request.body.toString('latin1')
  const is = ({ whole, method, body: meant }: Meant): boolean => whole && method === request.method && meant === body
  return [...plan.meant.keys()].filter((i) => is(plan.meant[i]!))
}

export function textOf({ start, lines, body }: RecordedRequest): string {
  return `${start}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body.toString('latin1')}`
}
