/** A client of HTTP/2 that sends exactly the frames it is given, and records those that come: what an abusive client is made of. */
import { type Socket, connect } from 'node:net'
import type { Place } from './corpus/row.ts'
import { Signal } from './signal.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** Types of frames by name (RFC 9113 §6). */
export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const
export const END_STREAM = 1
export const END_HEADERS = 4

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, body])
}

export function uint32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) out.writeUInt32BE(value >>> 0, i * 4)
  return out
}

/** A setting: the window that a new stream has. */
export function initialWindow(bytes: number): Buffer {
  return Buffer.concat([Buffer.from([0, 4]), uint32(bytes)])
}

export type Fields = readonly (readonly [name: string, value: string])[]

/** A header block of literals without indexing and without Huffman coding: every byte can be anything. */
export function block(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const rest = bytes.length - 127
  if (rest < 0) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let left = rest
  for (; left >= 128; left >>= 7) length.push(128 | (left & 127))
  return Buffer.concat([Buffer.from([...length, left]), bytes])
}

/** The whole head of an answer. */
export function answerHead(id: number, status = 200, more: Fields = [], ends = false): Buffer {
  return frame(TYPE.HEADERS, END_HEADERS | (ends ? END_STREAM : 0), id, block([[':status', String(status)], ...more]))
}

/** Who is asked, where nobody else is named. */
const HERE: Place = { host: 'a', path: '' }

export interface Requests {
  /** A request as a whole, in one frame. */
  readonly get: (id: number, path?: string, more?: Fields) => Buffer
  /** The head of a request whose body follows. */
  readonly post: (id: number, path?: string, more?: Fields) => Buffer
}

/** Requests below the path of `place`; `usual`: what is asked for where nothing else is said. */
export function requests(place: Place, usual = '/a'): Requests {
  const head =
    (flags: number, method: string) =>
    (id: number, path = usual, more: Fields = []) =>
      frame(TYPE.HEADERS, flags, id, block([...pseudo(method, place.path + path, place), ...more]))
  return { get: head(END_STREAM | END_HEADERS, 'GET'), post: head(END_HEADERS, 'POST') }
}

export const { get, post } = requests(HERE)

export function pseudo(method: string, path: string, { host, secure = false }: Place = HERE): Fields {
  return [
    [':method', method],
    [':scheme', secure ? 'https' : 'http'],
    [':path', path],
    [':authority', host],
  ]
}

export class RawH2 {
  readonly socket: Socket
  readonly frames: Frame[] = []
  over = false
  /** Called with each frame. */
  onFrame: ((frame: Frame) => void) | null = null
  /** Bytes before the first frame. */
  private skip = 0
  private held = Buffer.alloc(0)
  private readonly signal = new Signal()

  private isReady = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('encrypted' in socket ? 'secureConnect' : 'connect', () => {
      this.isReady = true
      this.signal.changed()
    })
    socket.on('data', (chunk: Buffer) => this.read(chunk))
    const finish = () => {
      this.over = true
      this.signal.changed()
    }
    socket.on('error', finish)
    socket.on('end', finish)
    socket.on('close', finish)
  }

  /** Connected, preface and empty settings sent. */
  static async connect(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawH2> {
    const client = new RawH2(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
    client.send(Buffer.from(PREFACE), frame(TYPE.SETTINGS, 0, 0, settings))
    await client.until(({ type }) => type === TYPE.SETTINGS, 'settings')
    return client
  }

  /** Over a socket that is under way. Null when the other side speaks no HTTP/2. */
  static async over(socket: Socket, patienceMs: number): Promise<RawH2 | null> {
    const client = new RawH2(socket)
    const isConnected = await client.waitFor(() => client.isReady || client.over, patienceMs)
    if (!isConnected || client.over) throw new Error('the connection was refused')
    if (!('alpnProtocol' in socket) || socket.alpnProtocol === 'h2') {
      client.send(Buffer.from(PREFACE), frame(TYPE.SETTINGS, 0, 0))
      await client.waitFor(() => client.frames.length > 0 || client.over, patienceMs)
      // A server of HTTP/1.1 answers in words.
      if (client.frames[0]?.type === TYPE.SETTINGS) return client
    }
    client.close()
    return null
  }

  /** Waits until `done`, but no longer than this. Whether it came to it. */
  waitFor(done: () => boolean, withinMs: number): Promise<boolean> {
    const come = this.signal.until(
      () => done() || undefined,
      () => 'it',
      withinMs,
    )
    return come.catch(() => false)
  }

  /** The other side of a connection that was accepted: reads the client's preface, sends `settings`. */
  static accept(socket: Socket, settings: Buffer = Buffer.alloc(0)): RawH2 {
    const peer = new RawH2(socket)
    peer.skip = PREFACE.length
    peer.send(frame(TYPE.SETTINGS, 0, 0, settings))
    return peer
  }

  /** Sends frames in one write. */
  send(...frames: readonly Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames))
  }

  /** Waits for a frame. */
  async until(wanted: (frame: Frame) => boolean, what: string): Promise<Frame> {
    return this.signal.until(
      () => this.frames.find(wanted),
      () => `${what}; so far ${this.shown()}${this.over ? ', and it is over' : ''}`,
    )
  }

  /** Waits for the code that stream `id` is reset with. */
  async reset(id: number): Promise<number> {
    const found = await this.until((one) => one.type === TYPE.RST_STREAM && one.id === id, `a reset of ${id}`)
    return found.payload.readUInt32BE(0)
  }

  /** Waits for the code that the connection ends with. */
  async goaway(): Promise<number> {
    const found = await this.until(({ type }) => type === TYPE.GOAWAY, 'GOAWAY')
    return found.payload.readUInt32BE(4)
  }

  /** Waits for the end of stream `id`, and gives the bytes of its body. */
  async body(id: number): Promise<Buffer> {
    const ends = ({ type, flags }: Frame) => (type === TYPE.DATA || type === TYPE.HEADERS) && (flags & END_STREAM) !== 0
    await this.until((one) => one.id === id && ends(one), `the end of ${id}`)
    return Buffer.concat(this.frames.filter((one) => one.id === id && one.type === TYPE.DATA).map((one) => one.payload))
  }

  async closed(): Promise<void> {
    await this.signal.until(
      () => (this.over ? true : undefined),
      () => `the end of the connection; so far ${this.shown()}`,
    )
  }

  close(): void {
    this.socket.destroy()
  }

  private read(chunk: Buffer): void {
    this.held = Buffer.concat([this.held, chunk])
    const skipped = Math.min(this.skip, this.held.length)
    this.held = this.held.subarray(skipped)
    this.skip -= skipped
    while (this.held.length >= 9) {
      const end = 9 + this.held.readUIntBE(0, 3)
      if (this.held.length < end) break
      const [type, flags] = [this.held[3]!, this.held[4]!]
      const payload = Buffer.from(this.held.subarray(9, end))
      const one = { type, flags, id: this.held.readUInt32BE(5), payload }
      this.frames.push(one)
      this.held = this.held.subarray(end)
      this.onFrame?.(one)
    }
    this.signal.changed()
  }

  /** Type, flags, stream and length of the latest frames. */
  shown(): string {
    return JSON.stringify(
      this.frames.slice(-20).map(({ type, flags, id, payload }) => [type, flags, id, payload.length]),
    )
  }
}
