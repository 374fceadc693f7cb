/** An accepted connection that begins with a PROXY protocol header: read within bounds, then the connection is its client's. */
import type { Socket } from 'node:net'
import type { ConnectionEnds } from './client-end.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { readProxyHeader } from './proxy-header.ts'

/** A load balancer sends it first thing, in one packet. */
const HEADER_MS = 5_000

/** How it ended: with the client's ends (null: those of whoever connected) and the bytes that came after the header; or why not. */
export interface PrefaceListener {
  read(told: ConnectionEnds | null, early: Buffer): void
  failed(reason: 'proxy-header-invalid' | 'proxy-header-timeout' | 'no-request'): void
}

export function readPreface(socket: Socket, deadlines: Deadlines, listener: PrefaceListener): void {
  let held: Buffer = Buffer.alloc(0)
  const timed: Timed = { deadline: deadlines.now + HEADER_MS, expired: () => fail('proxy-header-timeout') }
  const stop = () => {
    deadlines.remove(timed)
    socket.off('data', received).off('end', ended).off('error', gone).off('close', gone)
  }
  const fail: PrefaceListener['failed'] = (reason) => {
    stop()
    // The load balancer sends no request of its own: whatever could be answered would be read by its client as the answer to his.
    socket.on('error', () => {}).destroy()
    listener.failed(reason)
  }
  const gone = () => fail(held.length === 0 ? 'no-request' : 'proxy-header-invalid')
  const ended = gone
  const received = (bytes: Buffer) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    const header = readProxyHeader(held)
    if (header === 'more') return
    if (header === 'malformed') return fail('proxy-header-invalid')
    stop()
    listener.read(header.ends, held.subarray(header.length))
  }
  deadlines.add(timed)
  socket.on('data', received).on('end', ended).on('error', gone).on('close', gone)
}
