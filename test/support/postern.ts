/** Runs the real product as a child process with a given configuration, and reads what it says on its standard output. */
import { type ChildProcess, spawn } from 'node:child_process'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Signal } from '../../src/selftest/signal.ts'
import { tempFolder } from './temp.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Starting reads a few hundred files, on a machine that may be busy with other tests. */
const START_MS = 30_000
const STOP_MS = 15_000

/** A line of JSON on standard output. */
const LOG_LINE = z.record(z.string(), z.unknown())
export type LogLine = Readonly<z.infer<typeof LOG_LINE>>

const READY = z.object({ msg: z.literal('ready'), gateway: z.array(z.string()), admin: z.string() })

export class Running {
  readonly folder: string
  /** URLs of the listeners, in the order of the file, with their real ports. */
  gateway: readonly string[] = []
  /** URL of the admin listener. */
  admin = ''
  readonly lines: LogLine[] = []
  stderr = ''
  private unread = ''
  private exit: string | null = null
  private readonly child: ChildProcess
  private readonly signal = new Signal()
  private readonly remove: () => Promise<void>
  private readonly killAtExit = (): void => void this.child.kill('SIGKILL')

  constructor(folder: string, remove: () => Promise<void>, { env = {}, args = [] }: StartOptions) {
    this.folder = folder
    this.remove = remove
    this.child = spawn(process.execPath, [MAIN, 'run', join(folder, 'postern.yaml'), ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // A test that dies must not leave a server behind.
    process.once('exit', this.killAtExit)
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.readLines(text))
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.child.once('close', (code, signal) => {
      this.exit = code === null ? String(signal) : `code ${code}`
      process.off('exit', this.killAtExit)
      this.signal.changed()
    })
  }

  get pid(): number {
    return this.child.pid!
  }

  /** Port of the nth listener. */
  port(listener = 0): number {
    return Number(new URL(this.gateway[listener]!).port)
  }

  /** Access records so far. */
  records(): LogLine[] {
    return this.lines.filter((line) => line['kind'] === 'access')
  }

  /** Waits for a line, those already there included. Rejects when the process exits without it. */
  waitForLine(wanted: (line: LogLine) => boolean, what: string, patienceMs?: number): Promise<LogLine> {
    return this.signal.until(
      () => {
        const line = this.lines.find(wanted)
        if (line === undefined && this.exit !== null)
          throw new Error(`exited (${this.exit}) before ${what}${this.said()}`)
        return line
      },
      () => what + this.said(),
      patienceMs,
    )
  }

  waitForRecord(wanted: (record: LogLine) => boolean): Promise<LogLine> {
    return this.waitForLine((line) => line['kind'] === 'access' && wanted(line), 'an access record')
  }

  /** Waits until there are so many access records that `wanted` accepts. */
  async waitForRecords(count: number, wanted: (record: LogLine) => boolean = () => true): Promise<LogLine[]> {
    await this.waitForLine(() => this.records().filter(wanted).length >= count, `${count} access records`)
    return this.records().filter(wanted)
  }

  async ready(): Promise<void> {
    const ready = READY.parse(await this.waitForLine((line) => line['msg'] === 'ready', 'it is ready', START_MS))
    this.gateway = ready.gateway
    this.admin = ready.admin
  }

  /** Puts another file in place and waits for the verdict on it. */
  async reload(yaml: string): Promise<LogLine> {
    const seen = new Set(this.lines)
    await writeFile(join(this.folder, 'next.yaml'), yaml)
    await rename(join(this.folder, 'next.yaml'), join(this.folder, 'postern.yaml'))
    return this.waitForLine(
      (line) => !seen.has(line) && (line['msg'] === 'revision applied' || line['msg'] === 'revision refused'),
      'a verdict on the revision',
    )
  }

  /** Asks it to stop, and insists that it does so by itself and cleanly. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    const exit = await this.gone().catch(async (error: unknown) => {
      await this.kill()
      throw error
    })
    await this.remove()
    if (exit !== 'code 0') throw new Error(`stopped with ${exit}${this.said()}`)
  }

  /** Ends it as a power cut would. The folder stays until `stop` or `discard`. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.gone()
  }

  /** Kills it and removes its folder. */
  async discard(): Promise<void> {
    await this.kill()
    await this.remove()
  }

  /** Waits for it to end by itself: `code 0`, or a signal's name. */
  gone(patienceMs = STOP_MS): Promise<string> {
    return this.signal.until(
      () => this.exit ?? undefined,
      () => `the end of process ${this.pid}${this.said()}`,
      patienceMs,
    )
  }

  private readLines(text: string): void {
    const lines = (this.unread + text).split('\n')
    this.unread = lines.pop()!
    for (const line of lines) {
      if (line.startsWith('{')) this.lines.push(LOG_LINE.parse(JSON.parse(line)))
    }
    this.signal.changed()
  }

  private said(): string {
    const last = this.lines.slice(-5).map((line) => JSON.stringify(line))
    return `\n--- its last lines\n${last.join('\n')}\n--- its stderr\n${this.stderr.slice(-4_000)}`
  }
}

export interface StartOptions {
  /** Further words of the command line. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** An existing folder to run in, for a second start on the same state; it is left alone at the end. Default: a fresh one, removed. */
  readonly folder?: string
}

/** Starts Postern on `yaml` and waits until it is ready. Ports may be 0. Rejects with its stderr when it does not come up. */
export async function startPostern(yaml: string, options: StartOptions = {}): Promise<Running> {
  const folder = options.folder === undefined ? await tempFolder() : { path: options.folder, remove: async () => {} }
  await writeFile(join(folder.path, 'postern.yaml'), yaml)
  const running = new Running(folder.path, () => folder.remove(), options)
  try {
    await running.ready()
    return running
  } catch (error) {
    await running.discard()
    throw error
  }
}
