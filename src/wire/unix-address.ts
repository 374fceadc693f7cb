/**
 * The path of a Unix socket that several engines, or two processes in turn, answer at. One path leads to one socket, and the system
 * shares none as it shares ports: so each engine listens on a file of its own beside it, and the path is a second name (a hard link)
 * that goes round, to the next engine after each connection. Replacing a name is atomic: no client ever finds nothing there.
 */
import { linkSync, lstatSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'

/** What of an engine's socket is known: where it is, and which it is whatever its name. */
interface OwnFile {
  readonly file: string
  readonly inode: number
}

export class UnixAddress {
  readonly path: string
  private readonly prefix: string
  private readonly up = new Map<number, OwnFile>()
  /** Which engine the path leads to. */
  private at = -1
  private still = false

  /** `owner` tells this process's files from another's. */
  constructor(path: string, owner: number) {
    this.path = path
    this.prefix = `${path}.${owner}-`
  }

  /**
   * Removes what a process that is gone has left. Rejects when the path is no socket, and, unless it is to be `takenOver`, with
   * EADDRINUSE when somebody answers there.
   */
  async claim(takenOver: boolean): Promise<void> {
    const { path } = this
    const folder = dirname(path)
    const own = new RegExp(`^${RegExp.escape(basename(path))}(?:\\.\\d+-(?:\\d+|next))?$`)
    for (const name of readdirSync(folder).filter((one) => own.test(one))) {
      const file = join(folder, name)
      if (lstatSync(file, { throwIfNoEntry: false })?.isSocket() === false)
        throw new Error(`unix:${file} cannot be listened on: it is there and is no socket`)
      if (!(await isAnswered(file))) rmSync(file, { force: true })
      else if (file === path && !takenOver)
        throw Object.assign(new Error(`listen EADDRINUSE unix:${path}`), { code: 'EADDRINUSE' })
    }
  }

  /** Where an engine is to listen. */
  fileOf(engine: number): string {
    return this.prefix + engine
  }

  /** An engine listens on its file: from now on the path leads to it, too. */
  joined(engine: number): void {
    const file = this.fileOf(engine)
    this.up.set(engine, { file, inode: statSync(file).ino })
    if (this.at === -1) this.lead(engine)
  }

  /** An engine has ended, perhaps without removing its file. */
  left(engine: number): void {
    const own = this.up.get(engine)
    if (own === undefined) return
    rmSync(own.file, { force: true })
    this.up.delete(engine)
    if (this.at === engine) this.next()
  }

  /** The one that the path leads to has taken a connection: the next is another's. */
  next(): void {
    const engines = [...this.up.keys()]
    const from = engines.indexOf(this.at) + 1
    for (let i = 0; i < engines.length; i++) if (this.lead(engines[(from + i) % engines.length]!)) return
  }

  /** Another process is about to lead the path to itself: nobody here may lead it back. */
  stand(): void {
    this.still = true
  }

  /** That process has failed: the path is ours again. */
  resume(): void {
    this.still = false
    this.at = -1
    this.next()
  }

  /** Removes the path, if it still leads here, and what engines have left. */
  release(): void {
    const { path } = this
    this.still = true
    const inode = statSync(path, { throwIfNoEntry: false })?.ino
    for (const own of this.up.values()) {
      if (own.inode === inode) rmSync(path, { force: true })
      rmSync(own.file, { force: true })
    }
  }

  /** False when the engine listens no more: its file goes as soon as it is closed, which we hear of later. */
  private lead(engine: number): boolean {
    if (this.still || engine === this.at) return true
    const next = `${this.prefix}next`
    rmSync(next, { force: true })
    try {
      linkSync(this.up.get(engine)!.file, next)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
    renameSync(next, this.path)
    this.at = engine
    return true
  }
}

/** Does a process listen there? A file without one is what a crash leaves. */
function isAnswered(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: file })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // EAGAIN: so many wait to be accepted that the system takes no more; somebody listens all right.
      if (error.code === 'EAGAIN') resolve(true)
      else if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}
