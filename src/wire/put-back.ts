/** Puts back what was read of a socket, for whoever is to have the socket next. */
import type { Socket } from 'node:net'

/** TLS reads what it finds in a socket, but not in one that flows: there it would wait for more for ever. */
export function putBack(socket: Socket, bytes: Uint8Array): void {
  socket.pause()
  socket.unshift(bytes)
}
