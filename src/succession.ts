/**
 * How one process takes the place of another without a request noticing: they talk over a Unix socket beside the store, which only
 * the owner can open. The successor asks what the incumbent listens on and with how many engines, starts on the same addresses, says
 * that it serves; the incumbent then finishes what it has and ends. Whoever dies on the way leaves the other serving.
 */
import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { Engines } from './engines.ts'
import { type ListenerSpec, listenerName } from './model/gateway.ts'
import type { Log } from './observe/log.ts'
import { UnixAddress } from './wire/unix-address.ts'

const ASK = z.strictObject({ ask: z.literal('succession') })
/** With how many engines the successor serves. */
const READY = z.strictObject({ ready: z.number() })
const PLACE = z.strictObject({
  pid: z.number(),
  /** Engines that listen. */
  engines: z.number(),
  /** For each listener, in order: its address as written and as bound. */
  bound: z.array(z.strictObject({ written: z.string(), address: z.string() })),
})
const REFUSED = z.strictObject({ refused: z.string() })

/** How long the running process may take to answer; it is asked in its main thread, which does little. */
const ANSWER_MS = 5_000

type Place = z.infer<typeof PLACE>

export interface Incumbent {
  readonly engines: Engines
  /** As written, and as bound. */
  readonly listeners: readonly { readonly written: ListenerSpec; readonly bound: ListenerSpec }[]
  /** Another process serves in our place, with so many engines. */
  relieved(engines: number): void
}

/** `store.db` → `store.db-control`. */
export function controlPath(storePath: string): string {
  return `${storePath}-control`
}

/** Waits for a successor for as long as this process serves. Rejects when the path cannot be listened on. */
export async function awaitSuccessor(path: string, incumbent: Incumbent): Promise<{ close(): void }> {
  const address = new UnixAddress(path, process.pid)
  await address.claim(true)
  let successor: Socket | null = null
  let relieved = false
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (socket !== successor || relieved) return
      successor = null
      address.resume()
      incumbent.engines.resume()
    })
    createInterface(socket).on('line', (line) => {
      const said = parsed(line)
      if (socket === successor && !relieved) {
        const ready = READY.safeParse(said)
        if (!ready.success) return void socket.destroy()
        relieved = true
        incumbent.relieved(ready.data.ready)
      } else if (!ASK.safeParse(said).success) socket.destroy()
      else if (successor !== null) socket.end(say({ refused: 'another process is taking over already' }))
      else {
        successor = socket
        address.stand()
        // The addresses may be his as well from now on.
        incumbent.engines.stand()
        socket.write(say(placeOf(incumbent)))
      }
    })
  })
  server.listen(address.fileOf(0))
  await once(server, 'listening')
  server.unref()
  address.joined(0)
  return {
    close: () => {
      address.release()
      server.close()
    },
  }
}

function placeOf({ engines, listeners }: Incumbent): Place {
  const bound = listeners.map((one) => ({ written: listenerName(one.written), address: listenerName(one.bound) }))
  return { pid: process.pid, engines: engines.serving, bound }
}

/** A process that is being relieved. It goes on when the successor ends without a word. */
export class Predecessor {
  readonly pid: number
  readonly engines: number
  /** Names of what it listens on. */
  readonly addresses: readonly string[]
  private readonly place: Place
  private readonly socket: Socket
  private readonly gone: Promise<void>

  constructor(place: Place, socket: Socket, gone: Promise<void>) {
    this.place = place
    this.pid = place.pid
    this.engines = place.engines
    this.addresses = place.bound.map(({ address }) => address)
    this.socket = socket
    this.gone = gone
  }

  /** Port 0 is the port that this process has for it. */
  inherited(listeners: readonly ListenerSpec[]): readonly ListenerSpec[] {
    const left = [...this.place.bound]
    return listeners.map((one) => {
      const at = 'path' in one || one.port !== 0 ? -1 : left.findIndex(({ written }) => written === listenerName(one))
      if (at === -1) return one
      const { address } = left[at]!
      left.splice(at, 1)
      return { ...one, port: Number(address.slice(address.lastIndexOf(':') + 1)) }
    })
  }

  /** We serve: it is to finish what it has, and end. `ended` is called when it has. */
  async relieve(engines: Engines, log: Log, ended: () => Promise<void>): Promise<void> {
    const { pid } = this
    if (!(await engines.steerFrom(this)) || engines.serving < this.engines)
      log.warn({ pid }, 'connections that are being made while the process before this one closes may be reset')
    this.socket.write(say({ ready: engines.serving }))
    const finish = async () => {
      await this.gone
      await engines.steerFreely(this)
      await ended()
      log.info({ pid }, 'took over: the process before this one has ended')
    }
    finish().catch((error: unknown) => log.error({ err: error }, 'taking over'))
  }
}

/** Asks whoever serves for its place; null when nobody does. Rejects with what it says when it refuses. */
export async function succeed(path: string): Promise<Predecessor | null> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED'))
      return null
    throw error
  }
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => socket.destroy())
  socket.write(say({ ask: 'succession' }))
  const answer = await firstLine(socket)
  const refused = REFUSED.safeParse(answer)
  if (refused.success) throw new Error(`the running process refuses: ${refused.data.refused}`)
  const place = PLACE.parse(answer)
  socket.unref()
  return new Predecessor(place, socket, gone)
}

async function firstLine(socket: Socket): Promise<unknown> {
  const lines = createInterface(socket)
  const signal = AbortSignal.timeout(ANSWER_MS)
  const [line] = await Promise.race([once(lines, 'line', { signal }), once(socket, 'close', { signal })])
  lines.close()
  // Nothing more is said; but its end is heard only by who reads.
  socket.resume()
  return parsed(String(line))
}

function say(message: object): string {
  return `${JSON.stringify(message)}\n`
}

/** Undefined for what is no JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
