/** What the demo says: a line a step, in columns, and a sign of life while it waits. */
import type { Output, Paint } from '../host.ts'

/** Something that was seen to happen. */
export interface Seen {
  readonly step: string
  /** Who sent it to whom: `['app', 'postern', 'profiles']`. */
  readonly way: readonly string[]
  readonly what: string
  /** The last of the way answered with it; or what else came of it. */
  readonly result: number | string
  readonly ms?: number
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100
/** Back to the start of the line, and nothing on it. */
const CLEAR = '\r\x1b[K'
/** Where lines cannot be rewritten, waiting is only worth a line of its own when it lasts. */
const PATIENCE_MS = 3_000

export class Say {
  private readonly out: Output
  readonly paint: Paint
  private spinning = false

  constructor(out: Output, paint: Paint) {
    this.out = out
    this.paint = paint
  }

  line(text = ''): void {
    this.out.write(`${this.spinning ? CLEAR : ''}${text}\n`)
  }

  title(text: string): void {
    this.line(`\n${this.paint.bold(text)}`)
  }

  /** `  ✓ profile   app → postern → profiles   GET /user/profile   200   3 ms`; 4xx and 5xx are meant, and only coloured. */
  step({ step, way, what, result, ms }: Seen): void {
    const { green, yellow, cyan, dim, bold } = this.paint
    const good = typeof result === 'string' || result < 400
    this.line(
      [
        `  ${green('✓')} ${bold(step.padEnd(8))}`,
        cyan(way.join(' → ').padEnd(28)),
        what.padEnd(50),
        (good ? green : yellow)(String(result).padEnd(3)),
        ms === undefined ? '' : dim(`${Math.round(ms)} ms`.padStart(7)),
      ]
        .join(' ')
        .trimEnd(),
    )
  }

  /** Something that happens while the demo stays up. */
  live(way: readonly string[], what: string, result: number | string): void {
    const { green, red, cyan, dim } = this.paint
    const good = typeof result === 'string' || result < 400
    this.line(`  ${dim('·')} ${cyan(way.join(' → ').padEnd(28))} ${what}  ${(good ? green : red)(String(result))}`)
  }

  /** Shows that something is being waited for until `work` ends, however it ends. */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    const onTerminal = this.out.isTTY === true
    let frame = 0
    const spin = (): void => {
      this.spinning = true
      this.out.write(`${CLEAR}  ${this.paint.dim(`${FRAMES[frame++ % FRAMES.length]} ${text}`)}`)
    }
    const timer = onTerminal ? setInterval(spin, FRAME_MS) : setInterval(() => this.line(`  … ${text}`), PATIENCE_MS)
    try {
      return await work
    } finally {
      clearInterval(timer)
      if (this.spinning) this.out.write(CLEAR)
      this.spinning = false
    }
  }
}
