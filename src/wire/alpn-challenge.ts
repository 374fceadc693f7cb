/**
 * Shows a CA that a name is ours by the certificate it asks for in a handshake of its own (TLS-ALPN-01, RFC 8737). Such handshakes are
 * told from the others before TLS begins: they are owed an answer also where no certificate is there yet, or clients must show one.
 */
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { putBack } from './put-back.ts'
import { readClientHello } from './client-hello.ts'
import { type Certificate, tls } from './tls-options.ts'

/** RFC 8737 §3: a CA offers this protocol and no other. */
const PROTOCOL = 'acme-tls/1'

/** What became of a connection that was looked at. */
export interface ChallengeListener {
  /** It asks for something else, and is as it came: what was read has been put back. */
  passed(): void
  /** It asked for a challenge and is over. */
  answered(serverName: string): void
  /** It ended too soon, or kept silent for too long. */
  gone(isLate: boolean): void
}

export class AlpnChallenge {
  private readonly contexts = new Map<string, SecureContext>()

  /** One certificate for each name that is asked for. Throws when a context cannot be made. */
  constructor(certificates: readonly Certificate[]) {
    for (const { hosts, chain, key } of certificates)
      for (const host of hosts) this.contexts.set(host, tls().createSecureContext({ cert: chain, key, ca: [] }))
  }

  /** Looks at what the client says first, for so long; a CA's connection is answered here. */
  receive(socket: Socket, waitMs: number, listener: ChallengeListener): void {
    let held: Buffer = Buffer.alloc(0)
    const stop = () => {
      clearTimeout(timer)
      socket.off('data', received).off('end', gone).off('error', gone).off('close', gone)
    }
    const end = (isLate: boolean) => {
      stop()
      socket.on('error', () => {}).destroy()
      listener.gone(isLate)
    }
    const gone = () => end(false)
    const timer = setTimeout(() => end(true), waitMs)
    const received = (bytes: Buffer) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
      const hello = readClientHello(held)
      if (hello === 'more') return
      stop()
      putBack(socket, held)
      const context = hello?.protocols.join() === PROTOCOL ? this.contexts.get(hello.serverName) : undefined
      if (context === undefined) return listener.passed()
      socket.on('close', () => listener.answered(hello!.serverName))
      shake(socket, context, waitMs)
    }
    socket.on('data', received).on('end', gone).on('error', gone).on('close', gone)
  }
}

/** The certificate is all there is to say. */
function shake(socket: Socket, secureContext: SecureContext, waitMs: number): void {
  const { TLSSocket } = tls()
  const secured = new TLSSocket(socket, { isServer: true, secureContext, ALPNCallback: () => PROTOCOL })
  // However much it says: a bound on silence alone would keep one that drips for ever.
  const timer = setTimeout(() => secured.destroy(), waitMs)
  secured.on('close', () => clearTimeout(timer))
  secured.on('secure', () => secured.end())
  secured.on('error', () => secured.destroy())
  secured.resume()
}
