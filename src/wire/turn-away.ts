/** Answers a connection that is one too many, unread, and closes it. */
import type { Socket } from 'node:net'
import { type Problem, problemBody } from '../base/problem.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { statusText } from './status.ts'

/** The client's request is dropped for so long: a reset would destroy the answer before it is read (RFC 9112 §9.6). */
const LINGER_MS = 1_000

export function turnAway(socket: Socket, problem: Problem, deadlines: Deadlines): void {
  const body = problemBody(problem)
  const timed: Timed = { deadline: deadlines.now + LINGER_MS, expired: () => socket.destroy() }
  deadlines.add(timed)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => deadlines.remove(timed))
  socket.resume()
  socket.end(
    `HTTP/1.1 ${problem.status} ${statusText(problem.status)}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n${body}`,
  )
}
