/** How long a client may take over one stream: over what it sends, and over what it is sent. Either only has to move, as on HTTP/1.1. */
import { type Problem, PROBLEMS } from '../../base/problem.ts'
import type { Timed } from '../deadlines.ts'
import type { ClientTimeouts } from '../inbound.ts'
import { Pace } from '../pace.ts'

/** What is asked of the connection. */
export interface TimeHost {
  /** Monotonic ms. */
  readonly now: number
  /** Bytes that have come of all its frames, whole or not. */
  readonly heardBytes: number
  /** Bytes that the system has taken of what was sent. */
  readonly takenBytes: number
  /** The peer could send no body if it would: its window is shut, for what others have sent is not read yet. */
  readonly isFull: boolean
  /** The stream whose frame is on its way; 0: none. */
  readonly frameId: number
  watch(timed: Timed): void
  unwatch(timed: Timed): void
}

/** What is asked of the stream, and told to it. */
interface TimedStream {
  readonly id: number
  readonly session: TimeHost
  readonly sendWindow: number
  /** It is time to say 100. */
  continue(): void
  /** The body is given up. */
  bodyLate(problem: Problem): void
  /** The client is given up: it does not take its answer. */
  answerLate(): void
}

/** How long an upstream may leave `Expect: 100-continue` unanswered before we answer it. */
const CONTINUE_WAIT_MS = 1_000
const NO_RATE = { bytesPerSecond: 0, windowMs: 0 }

export class StreamTime implements Timed {
  deadline = 0
  private readonly stream: TimedStream
  private readonly input = new Pace(NO_RATE)
  private readonly output = new Pace(NO_RATE)
  private idleMs = 0
  /** When to ask; 0: nobody is waited for. */
  private continueDue = 0
  private inputDue = 0
  private outputDue = 0
  private heardBytes = 0
  private takenBytes = 0
  private watched = false

  constructor(stream: TimedStream) {
    this.stream = stream
  }

  /** Starts over for a request; nobody is waited for yet. */
  begin({ bodyIdleMs, rateMin }: ClientTimeouts): void {
    this.idleMs = bodyIdleMs
    this.input.rate = this.output.rate = rateMin
    this.deadline = this.continueDue = this.inputDue = this.outputDue = 0
  }

  /** Longest silence, in either direction. */
  set silenceMs(ms: number) {
    this.idleMs = ms
  }

  // ---- what the client sends

  /** The client waits for a 100, and somebody else may say it. */
  awaitContinue(): void {
    this.continueDue = this.stream.session.now + CONTINUE_WAIT_MS
    this.settle()
  }

  /** From now on the client is waited for. */
  awaitInput(): void {
    const { session } = this.stream
    this.continueDue = 0
    this.heardBytes = session.heardBytes
    this.inputDue = this.input.start(session.now, this.idleMs)
    this.settle()
  }

  heard(bytes: number): void {
    if (this.inputDue === 0) return
    this.inputDue = this.input.moved(this.stream.session.now, bytes)
    this.settle()
  }

  /** It is not the client who is waited for. */
  awaitNoInput(): void {
    if (this.inputDue === 0 && this.continueDue === 0) return
    this.inputDue = this.continueDue = 0
    this.settle()
  }

  // ---- what it is sent

  /** Something has to wait for its window, or for the connection. */
  awaitRoom(): void {
    if (this.outputDue !== 0) return
    const { session } = this.stream
    this.takenBytes = session.takenBytes
    this.outputDue = this.output.start(session.now, this.idleMs)
    this.settle()
  }

  sent(bytes: number): void {
    if (this.outputDue === 0) return
    this.outputDue = this.output.moved(this.stream.session.now, bytes)
    this.settle()
  }

  /** Everything that waited has been sent. */
  awaitNoRoom(): void {
    if (this.outputDue === 0) return
    this.outputDue = 0
    this.settle()
  }

  // ---- time

  /** Nothing is waited for any more. */
  stop(): void {
    this.deadline = this.continueDue = this.inputDue = this.outputDue = 0
    if (!this.watched) return
    this.watched = false
    this.stream.session.unwatch(this)
  }

  private settle(): void {
    const { continueDue, inputDue, outputDue } = this
    let next = continueDue === 0 ? inputDue : continueDue
    if (next === 0 || (outputDue !== 0 && outputDue < next)) next = outputDue
    this.deadline = next
    // Most requests never wait for anything of the client's.
    if (next === 0 || this.watched) return
    this.watched = true
    this.stream.session.watch(this)
  }

  expired(): void {
    const { stream, outputDue, inputDue, continueDue } = this
    const { now } = stream.session
    if (outputDue !== 0 && now >= outputDue) {
      if (this.roomIsLate(now)) return stream.answerLate()
      this.outputDue = this.output.due
    }
    if (continueDue !== 0 && now >= continueDue) {
      this.awaitInput()
      return stream.continue()
    }
    if (inputDue !== 0 && now >= inputDue) {
      const problem = this.inputLate(now)
      if (problem !== null) return stream.bodyLate(problem)
      this.inputDue = this.input.due
    }
    this.settle()
  }

  private inputLate(now: number): Problem | null {
    const { input, stream } = this
    const { session } = stream
    const heard = session.heardBytes - this.heardBytes
    this.heardBytes += heard
    // A frame of 16 KB that comes at 240 B/s is more than a minute on its way: what is here of it counts.
    if (heard > 0 && session.frameId === stream.id) input.moved(now, heard)
    if (session.isFull) {
      input.start(now, this.idleMs)
      return null
    }
    const verdict = input.verdict(now)
    if (verdict === null) return null
    return verdict === 'slow' ? PROBLEMS.bodyTooSlow : PROBLEMS.bodyTimeout
  }

  private roomIsLate(now: number): boolean {
    const { output, stream } = this
    const taken = stream.session.takenBytes - this.takenBytes
    this.takenBytes += taken
    // It has leave to be sent and waits its turn: then what the client takes of the connection counts, whichever stream it is for.
    if (taken > 0 && stream.sendWindow > 0) output.moved(now, taken)
    return output.verdict(now) !== null
  }
}
