/** Joins the two legs with a stream: the request goes to an instance of a service, its answer back, neither ever whole in memory. */
import { type Problem, PROBLEMS } from '../../base/problem.ts'
import { type Reply, refuse } from '../../pipeline/reply.ts'
import type { Verdict } from '../../pipeline/policy.ts'
import type { ResponseView } from '../../pipeline/response.ts'
import { runResponse, runUpstreamRequest } from '../../pipeline/run.ts'
import { PROBLEM_OF } from '../../upstream/failures.ts'
import { announceTrailers, forwardRequest, forwardResponse, forwardTrailers } from '../../upstream/request-head.ts'
import { isRepeatable, tryAgain } from '../../upstream/retry.ts'
import type { LiveInstance, LiveService } from '../../upstream/service.ts'
import { FRAMING, type Head, type ResponseHead } from '../../wire/head.ts'
import type { InboundListener } from '../../wire/inbound.ts'
import type { Outbound, OutboundFailure, OutboundListener } from '../../wire/outbound.ts'
import { OutgoingHead } from '../../wire/outgoing.ts'
import { statusText } from '../../wire/status.ts'
import { type TunnelEnd, joinTunnel } from '../../wire/tunnel.ts'
import { answer, fault } from '../answer.ts'
import { timeoutsFor } from '../grpc.ts'
import type { GatewayExchange, Target } from '../exchange.ts'
import { outboundRequest } from './outbound-request.ts'
import { HeldAnswer } from './held-answer.ts'
import { Upload } from './upload.ts'

export function proxyTo(serviceName: string, find: (name: string) => LiveService | null): Target {
  return (x) => {
    const service = find(serviceName)
    x.serviceName = serviceName
    if (service === null) return answer(x, refuse(PROBLEMS.noInstance))
    new ProxyFlow(x, service).start()
  }
}

const NOBODY: readonly LiveInstance[] = []

/** What of an upstream's head decides how the answer is framed. */
type AnswerStart = Pick<ResponseHead, 'status' | 'reason' | 'framing' | 'length'>

class ProxyFlow implements OutboundListener, InboundListener {
  private readonly x: GatewayExchange
  private readonly service: LiveService
  /** The head as it goes out: the request's, then the answer's. */
  private lines = new OutgoingHead()
  /** Null when there is no body, or it is here already. */
  private upload: Upload | null = null
  /** The upstream's trailers, to follow its answer. */
  private trailersOut: OutgoingHead | null = null
  private instance: LiveInstance | null = null
  /** Instances that could not be reached. */
  private tried: readonly LiveInstance[] = NOBODY
  private connection: Outbound | null = null
  private answering = false
  /** Bytes of the answer held while policies look at its head or want it whole; null when they stream. */
  private held: HeldAnswer | null = null
  private answerEnded = false
  /** Called at the end of an answer that a policy wants whole. */
  private whenWhole: (() => void) | null = null

  constructor(x: GatewayExchange, service: LiveService) {
    this.x = x
    this.service = service
  }

  start(): void {
    const { x } = this
    x.actor = this
    this.instance = this.service.pick()
    if (this.instance === null) return answer(x, refuse(PROBLEMS.noInstance))
    this.attempt(false)
  }

  /** One try: policies see the outgoing head afresh, then it is sent. */
  private attempt(fresh: boolean): void {
    const { x } = this
    x.tries++
    x.instance = this.instance!.name
    forwardRequest(this.lines, x.head, x, x.route.forwarding)
    if (x.requestBody !== null) this.lines.remove('expect')
    else if (x.head.framing === FRAMING.chunked) announceTrailers(this.lines, x.head)
    const policies = x.route.pipeline.upstreamRequest
    if (policies === null) return this.send(fresh)
    let verdict: Verdict
    try {
      verdict = runUpstreamRequest(x, this.lines, policies)
    } catch (error) {
      return this.faulted(error)
    }
    if (verdict instanceof Promise) {
      verdict
        .then((reply) => (reply === undefined ? this.send(fresh) : this.replace(reply)))
        .catch((error: unknown) => this.faulted(error))
    } else if (verdict === undefined) this.send(fresh)
    else this.replace(verdict)
  }

  private send(fresh: boolean): void {
    const { x } = this
    if (x.over) return
    const { head, requestBody } = x
    const request = outboundRequest(x, this.lines, this.instance!.authority)
    const connection = (this.connection = this.instance!.pool.take(fresh, request))
    const timeouts = timeoutsFor(head, this.service.timeouts, x.host.clock.elapsed() - x.startedAt)
    if (head.framing !== FRAMING.none && requestBody === null) {
      this.upload ??= new Upload(x, isRepeatable(head) || this.instance!.pool.canRefuse)
      this.upload.over(connection, this.lines)
      connection.request(request, timeouts, this)
      connection.flush()
      return
    }
    connection.request(request, timeouts, this)
    if (requestBody !== null) connection.write(requestBody, 0, requestBody.length)
    connection.endRequest()
  }

  /** A policy gives an answer in the upstream's place. */
  private replace(reply: Reply): void {
    this.connection?.destroy()
    answer(this.x, reply)
  }

  // ---- the request's body

  ready(): void {
    this.upload?.ready(this.service.timeouts.idleMs)
  }

  /** The upstream has room again. */
  sendable(): void {
    this.x.inbound.resumeBody()
  }

  /** The client has room again. */
  drain(): void {
    if (this.held === null) this.connection?.resume()
  }

  bodyRefused(problem: Problem): void {
    this.connection?.destroy()
    if (this.answering) return this.cut(problem.code)
    answer(this.x, refuse(problem))
  }

  aborted(): void {
    this.connection?.destroy()
  }

  // ---- the answer

  informational(head: ResponseHead): void {
    const lines = new OutgoingHead()
    forwardResponse(lines, head, false, this.x.route.forwarding)
    lines.remove('content-length')
    this.x.inbound.informational(head.status, head.reason, lines)
  }

  head(head: ResponseHead): void {
    const { x } = this
    const { pipeline } = x.route
    // An early answer: what the request's head decided still holds for its trailers.
    if (this.upload?.isUnderWay === true) this.lines = new OutgoingHead()
    const { lines } = this
    forwardResponse(lines, head, x.head.takesTrailers, x.route.forwarding)
    if (head.status === 204) lines.remove('content-length')
    const res: ResponseView = { status: head.status, headers: lines, fromUpstream: true, body: null }
    if (pipeline.response === null) return this.begin(head, res)
    if (pipeline.responseBodyMax > 0 && head.framing !== FRAMING.none) {
      if (head.length > pipeline.responseBodyMax) return this.replace(refuse(PROBLEMS.upstreamBodyTooLarge))
      this.held = new HeldAnswer(pipeline.responseBodyMax)
      this.whenWhole = () => {
        res.body = this.held!.whole()
        this.held = null
        this.decide(head, res)
      }
      return
    }
    this.decide(head, res)
  }

  private decide(head: AnswerStart, res: ResponseView): void {
    const { x } = this
    try {
      const verdict = runResponse(x, res, x.route.pipeline)
      if (!(verdict instanceof Promise)) return verdict === undefined ? this.begin(head, res) : this.replace(verdict)
      // Bytes that come meanwhile are held, and reading stops. The connection may serve somebody else before the policies have
      // spoken, so what is needed of its head is copied.
      this.held ??= new HeldAnswer()
      if (!this.answerEnded) this.connection?.pause()
      const start = { status: head.status, reason: head.reason, framing: head.framing, length: head.length }
      res.headers.detach()
      verdict
        .then((reply) => (x.over ? undefined : reply === undefined ? this.begin(start, res) : this.replace(reply)))
        .catch((error: unknown) => this.faulted(error))
    } catch (error) {
      this.faulted(error)
    }
  }

  private faulted(error: unknown): void {
    this.connection?.destroy()
    fault(this.x, error)
  }

  private begin(head: AnswerStart, res: ResponseView): void {
    const { x } = this
    const { inbound } = x
    this.answering = true
    x.status = res.status
    const reason = res.status === head.status ? head.reason : statusText(res.status)
    if (res.body !== null) {
      res.headers.set('Content-Length', String(res.body.length))
      res.headers.remove('trailer')
      inbound.respond(res.status, reason, res.headers, FRAMING.length, res.body.length)
      inbound.write(res.body, 0, res.body.length)
      return this.complete()
    }
    inbound.respond(res.status, reason, res.headers, head.framing, head.length)
    const { held } = this
    this.held = null
    if (held === null) return
    for (const bytes of held) inbound.write(bytes, 0, bytes.length)
    if (this.answerEnded) return this.complete()
    // The upstream may say nothing more for a long time, as event streams do: what there is goes out now.
    if (inbound.flush()) this.connection?.resume()
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.held === null) {
      if (!this.x.inbound.write(bytes, start, end)) this.connection?.pause()
      return
    }
    if (!this.held.add(bytes, start, end)) this.replace(refuse(PROBLEMS.upstreamBodyTooLarge))
  }

  trailers(trailers: Head): void {
    if (this.x.head.takesTrailers) this.trailersOut = forwardTrailers(trailers, this.lines)
  }

  flush(): void {
    if (this.answering && !this.x.inbound.flush()) this.connection?.pause()
  }

  end(): void {
    this.answerEnded = true
    this.connection = null
    if (this.whenWhole !== null) this.whenWhole()
    else if (this.held === null) this.complete()
  }

  private complete(): void {
    const { x } = this
    const { inbound } = x
    x.actor = null
    inbound.flush()
    x.finish()
    inbound.end(this.trailersOut)
  }

  // ---- when it goes wrong

  failed(failure: OutboundFailure, untouched: boolean, detail: string): void {
    const { x } = this
    this.connection = null
    this.upload?.detach()
    if (x.over) return
    if (this.answering) return this.cut(PROBLEM_OF[failure].code)
    const isRepeat = untouched && isRepeatable(x.head)
    const again = this.upload?.canRepeat === false ? 'no' : tryAgain(failure, isRepeat, x.tries, this.service)
    if (again === 'elsewhere') {
      this.tried = [...this.tried, this.instance!]
      this.instance = this.service.pick(this.tried)
    }
    if (again === 'no' || this.instance === null) {
      x.detail = detail
      return answer(x, refuse(PROBLEM_OF[failure]))
    }
    this.attempt(again === 'afresh')
  }

  /** The answer has begun and cannot be completed: the client must not take it for whole. */
  private cut(reason: string): void {
    const { x } = this
    x.reason = reason
    const { inbound } = x
    x.finish()
    inbound.abort()
  }

  upgraded(head: ResponseHead, upstream: TunnelEnd): void {
    const { x, lines } = this
    this.connection = null
    forwardResponse(lines, head, false, x.route.forwarding)
    lines.appendOwn('Upgrade', head.get('upgrade') ?? x.head.upgrade)
    x.status = 101
    x.actor = null
    const client = x.inbound.switchProtocols(lines)
    joinTunnel(client, upstream, this.service.timeouts.streamMs, x.host.tunnels, ({ bytesIn, bytesOut }) => {
      x.tunnelled(bytesIn, bytesOut)
    })
  }
}
