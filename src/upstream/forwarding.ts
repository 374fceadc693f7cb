/** What a gateway says of the client, and of itself, when it passes a request on: each once, whatever was said before. */
import type { Told } from '../wire/forwarded.ts'
import type { RequestHead } from '../wire/head.ts'
import type { OutgoingHead } from '../wire/outgoing.ts'

export interface Forwarding {
  /** Says X-Forwarded-For, -Proto and -Host. */
  readonly xForwarded: boolean
  /** Says Forwarded (RFC 7239). */
  readonly forwarded: boolean
  /** Who we are in `Via`: a pseudonym, a token in lower case (RFC 9110 §7.6.3). */
  readonly via: string
}

/** The client's leg, as far as it is passed on. */
export interface ClientLeg {
  /** Of the client itself: beyond the proxies that are trusted. */
  readonly clientAddress: string
  /** The client's own leg is. */
  readonly encrypted: boolean
  /** By trusted proxies; null without any. */
  readonly told: Told | null
}

/** Adds the forwarded family. What a client said of it has been dropped. */
export function sayClient(out: OutgoingHead, head: RequestHead, client: ClientLeg, how: Forwarding): void {
  const { clientAddress, encrypted, told } = client
  const proto = encrypted ? 'https' : 'http'
  const host = told !== null && told.host !== '' ? told.host : head.authority
  if (how.xForwarded) {
    out.appendOwn('X-Forwarded-For', told === null ? clientAddress : told.hops.join(', '))
    out.appendOwn('X-Forwarded-Proto', proto)
    if (host !== '') out.appendOwn('X-Forwarded-Host', host)
    if (told !== null && told.port !== '') out.appendOwn('X-Forwarded-Port', told.port)
    if (told !== null && told.prefix !== '') out.appendOwn('X-Forwarded-Prefix', told.prefix)
  }
  if (!how.forwarded) return
  let element = 'for=' + nodeOf(clientAddress)
  if (host !== '') element += ';host="' + host + '"'
  element += ';proto=' + proto
  if (told !== null) for (let i = 1; i < told.hops.length; i++) element += ', for=' + nodeOf(told.hops[i]!)
  out.appendOwn('Forwarded', element)
}

/** An address as Forwarded names it (RFC 7239 §6); a Unix socket has none. */
function nodeOf(address: string): string {
  if (address === 'unix') return '_unix'
  return address.includes(':') ? '"[' + address + ']"' : address
}
