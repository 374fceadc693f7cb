/** Reads accepted sockets into one buffer for the whole thread, where this Node lets us; otherwise through the stream's own events. */
import { Socket } from 'node:net'

/** Consumed before the next read begins, by whoever is called; 64 KiB is what libuv would allocate for every read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)

/** The bytes are valid during the call only. */
export type Receive = (bytes: Buffer) => void

/** A socket that somebody has read from: what was read last, and how somebody else goes on. */
export interface Taken {
  readonly bytes: Buffer
  readInto(receive: Receive): void
}

/** Where a socket keeps its read buffer and the function that hears of it. */
interface Slots {
  readonly buffer: symbol
  readonly callback: symbol
}

/**
 * `onread` is public for sockets that we connect (`net.connect`), not for those we accept, though both read through the same slots
 * under symbols of their own. A socket made with `onread` shows which they are. Null when it does not: then nothing is touched.
 */
const SLOTS = findSlots()

function findSlots(): Slots | null {
  const callback = () => true
  const probe = new Socket({ onread: { buffer: READ_BUFFER, callback } })
  const slotOf = (value: unknown) =>
    Object.getOwnPropertySymbols(probe).find((symbol) => Reflect.get(probe, symbol) === value)
  const [buffer, heard] = [slotOf(READ_BUFFER), slotOf(callback)]
  probe.destroy()
  return buffer === undefined || heard === undefined ? null : { buffer, callback: heard }
}

/** Starts reading `socket`. Returns a function that gives what follows to somebody else. */
export function readFrom(socket: Socket, receive: Receive): (receive: Receive) => void {
  let receiver = receive
  const handle: unknown = Reflect.get(socket, '_handle')
  const useUserBuffer: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'useUserBuffer') : undefined
  if (SLOTS !== null && typeof useUserBuffer === 'function') {
    Reflect.set(socket, SLOTS.buffer, READ_BUFFER)
    Reflect.set(socket, SLOTS.callback, (n: number) => {
      receiver(READ_BUFFER.subarray(0, n))
      return !socket.isPaused()
    })
    Reflect.apply(useUserBuffer, handle, [READ_BUFFER])
  } else socket.on('data', (bytes: Buffer) => receiver(bytes))
  return (next) => {
    receiver = next
  }
}
