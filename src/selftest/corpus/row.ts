/** What the rows of the corpus are: bytes, where they come from, and what may come of them on either side of a gateway. */
import type { Sendable } from '../raw-client.ts'
import type { RecordedRequest, Script } from '../recording-upstream.ts'

/** Where a corpus is played. */
export interface Place {
  /** What `Host` says. */
  readonly host: string
  /** Path below which everything is asked for, without a slash at its end; may be empty. */
  readonly path: string
  /** Behind TLS. */
  readonly secure?: boolean
}

export interface About {
  /** Of the tables: F framing, P paths and trust, S semantics. */
  readonly id: string
  readonly name: string
  /** The section or advisory that says so. */
  readonly source: string
}

/** A request as an upstream may see it. */
export interface Seen {
  /** Its first line. */
  readonly start: string
  /** The client's lines that go on, in order and case; left out: not compared. */
  readonly lines?: readonly string[]
  readonly body?: string
  /** Default: `length` with a body, `none` without. */
  readonly framing?: RecordedRequest['framing']
  /** Default: none. */
  readonly trailers?: readonly string[]
  /** The client named no host (HTTP/1.0). */
  readonly hostless?: true
}

/** A refusal as Postern words it. Of others any refusal is as good. */
export interface Refused {
  readonly status: number
  /** Of the catalogue of problems. */
  readonly code: string
  /** Who was meant and where the message ends is clear, so that the connection may go on. */
  readonly stays?: true
}

/** Bytes of a client. */
export interface RequestRow extends About {
  /** Bytes, or the pieces to send them in, in the notation. */
  readonly send: Sendable | readonly Sendable[]
  /** Method of each request, where not all are GET: decides whether its answer has a body. */
  readonly methods?: readonly string[]
  /** It must be refused; or it may be, where `upstream` stands beside it. */
  readonly refused?: Refused
  /** What an upstream has to see. Beside `refused`: what it may see of a gateway that makes use of a leave that the RFC gives. */
  readonly upstream?: readonly Seen[]
  /** To refuse it is no fault either. */
  readonly mayRefuse?: true
  /** Texts that may stand in no head that an upstream sees. */
  readonly never?: readonly string[]
}

/** Frames of a client of HTTP/2, after preface and settings. */
export interface H2Row extends About {
  /** The row's own request is stream 1. */
  readonly frames: () => Buffer
  /** `request`: it is reset or refused; `connection`: it ends. */
  readonly ends: 'request' | 'connection'
  /** Postern's: the error code, and the reason of its record. */
  readonly code: number
  readonly reason: string
  /** How much of the request may have gone upstream when it is found out. Default: nothing. */
  readonly reaches?: 'begun' | 'whole'
  /** The upstream takes and answers nothing meanwhile. */
  readonly unanswered?: true
}

/** Bytes of an upstream. */
export interface AnswerRow extends About {
  /** What the upstream sends, in the notation, or does. */
  readonly answer: Script['answer']
  /** Default: GET. */
  readonly method?: string
  /** Postern answers 502 with this problem. Others may break off instead. */
  readonly bad?: string
  /** Postern breaks the answer off; status and reason are those of its record. */
  readonly cut?: { readonly status: number; readonly reason: string }
  /** What the client has to see. Beside `bad`: what it may see of a gateway that makes use of a leave that the RFC gives. */
  readonly passed?: Passed
}

export interface Passed {
  readonly status: number
  readonly body: string
  /** Lines the client must see in this order and case, among others. */
  readonly lines?: readonly string[]
  /** Interim answers that come first. */
  readonly interim?: readonly number[]
  /** The upstream’s connection must not be used again. */
  readonly ends?: true
}

/** Gives rows what they have in common. */
export function group<Row>(id: string, source: string, rows: readonly Row[]): (Row & { id: string; source: string })[] {
  return rows.map((row) => Object.assign({}, row, { id, source }))
}
