/** What is tested: where it listens, whether it wants TLS, and where the corpus is played. */
import { type Socket, connect } from 'node:net'
import type { Place } from './corpus/row.ts'

export interface Target extends Place {
  readonly url: string
  readonly address: string
  readonly port: number
  readonly secure: boolean
}

/** Throws TypeError when the text is no URL of http or https. */
export function targetOf(text: string): Target {
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${text} is neither http nor https`)
  const secure = url.protocol === 'https:'
  return {
    url: text,
    address: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    host: url.host,
    path: url.pathname.replace(/\/+$/, ''),
  }
}

/** A connection that is under way; `serverName` in the place of the target's own. What a certificate says is not judged: it is not what is tested, and seldom fits a loopback address. */
export function open(
  { address, port, secure, host }: Target,
  protocol: 'http/1.1' | 'h2' = 'http/1.1',
  serverName?: string,
): Socket {
  const options = { host: address, port, allowHalfOpen: true }
  if (!secure) return connect(options)
  const name = host.replace(/:\d+$/, '')
  const servername = serverName ?? (/^[\d.]+$|^\[/.test(name) ? '' : name)
  const tls = process.getBuiltinModule('node:tls')
  return tls.connect({ ...options, servername, rejectUnauthorized: false, ALPNProtocols: [protocol] })
}
