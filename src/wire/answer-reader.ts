/** Reads an upstream's answers on an HTTP/1.1 connection: interim heads, the final one, and the body in its framing. */
import { type BodyDecoder, type BodySink, ChunkedDecoder, CloseDecoder, LengthDecoder } from './body.ts'
import { HeadText } from './head-text.ts'
import { FRAMING, ResponseHead } from './head.ts'
import type { OutboundListener } from './outbound.ts'
import { parseResponseHead } from './parse-response.ts'

const INFORMATIONAL_MAX = 32

/** What came of some bytes. */
export const READ = {
  /** More have to come. */
  more: 0,
  /** The answer is whole. */
  whole: 1,
  /** It is none, or not framed as it says. */
  invalid: 2,
  /** 101: from `next` on the bytes belong to another protocol. */
  switched: 3,
} as const

/** Whose answer is read; nobody's, once its listener is gone. */
export interface AnswerOwner {
  readonly listener: OutboundListener | null
}

export class AnswerReader {
  readonly head = new ResponseHead()
  /** Index of the first byte that has not been read. */
  next = 0
  /** It says something now and then, and may be long silent. */
  isEventStream = false
  private readonly owner: AnswerOwner
  private readonly heads = new HeadText()
  private readonly chunked = new ChunkedDecoder()
  private readonly length = new LengthDecoder()
  private readonly close = new CloseDecoder()
  private decoder: BodyDecoder | null = null
  private method = ''
  private whole = false
  private informationals = 0
  private readonly sink: BodySink = {
    data: (bytes, start, end) => this.owner.listener?.data(bytes, start, end),
    trailers: (trailers) => this.owner.listener?.trailers?.(trailers),
    end: () => {
      this.whole = true
    },
  }

  constructor(owner: AnswerOwner) {
    this.owner = owner
  }

  /** The answer to a request of this method comes next. */
  start(method: string): void {
    this.method = method
    this.decoder = null
    this.whole = false
    this.informationals = 0
    this.heads.pending = ''
    this.isEventStream = false
  }

  /** The final head is here. */
  get hasHead(): boolean {
    return this.decoder !== null
  }

  /** Some of a head is here. */
  get isWithinHead(): boolean {
    return this.heads.pending !== ''
  }

  /** The end of the connection is the end of the answer. */
  get endsWithConnection(): boolean {
    return this.decoder === this.close && this.head.framing === FRAMING.close
  }

  /** Reads bytes[0, n) and tells the owner's listener. One of READ; meaningless when the listener is gone meanwhile. */
  read(bytes: Buffer, n: number): number {
    this.next = 0
    if (this.decoder !== null) return this.readBody(bytes, n)
    const { owner, heads, head } = this
    while (owner.listener !== null) {
      const stop = heads.take(bytes, this.next, n, false)
      if (stop === -1) {
        return heads.isFull || !'HTTP/1.'.startsWith(heads.pending.slice(0, 7)) ? READ.invalid : READ.more
      }
      this.next = stop
      if (!parseResponseHead(head, heads.text, this.method)) return READ.invalid
      if (head.status >= 200) return this.beginBody(bytes, n)
      if (head.status === 101) return READ.switched
      if (++this.informationals > INFORMATIONAL_MAX) return READ.invalid
      owner.listener.informational(head)
      if (stop === n) return READ.more
    }
    return READ.more
  }

  private beginBody(bytes: Buffer, n: number): number {
    const { head, owner } = this
    if (head.framing === FRAMING.chunked) this.decoder = this.chunked.start()
    else if (head.framing === FRAMING.close) this.decoder = this.close
    else this.decoder = this.length.start(head.framing === FRAMING.length ? head.length : 0)
    this.isEventStream = isEventStream(head)
    owner.listener!.head(head)
    if (owner.listener === null) return READ.more
    if (head.framing === FRAMING.none) this.whole = true
    return this.readBody(bytes, n)
  }

  private readBody(bytes: Buffer, n: number): number {
    if (this.whole) return READ.whole
    const stop = this.decoder!.feed(bytes, this.next, n, this.sink)
    if (stop === -1) return READ.invalid
    this.next = stop
    return this.whole ? READ.whole : READ.more
  }
}

/** Server-sent events (text/event-stream) have no length; that is looked at first, because it is there. */
function isEventStream(head: ResponseHead): boolean {
  if (head.framing !== FRAMING.chunked && head.framing !== FRAMING.close) return false
  return head.get('content-type')?.toLowerCase().startsWith('text/event-stream') === true
}
