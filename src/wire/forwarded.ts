/**
 * Who the client is when proxies stand between: told by the proxies that are trusted, from the nearest to the farthest, and by nobody
 * beyond them (RFC 7239 §5, §8.1). `X-Forwarded-For` has no RFC; it is read the same way.
 */
import { isIP } from 'node:net'
import { includes, networkSet } from '../base/networks.ts'
import type { Head } from './head.ts'
import { hostOf } from './parse-request.ts'

/** Which of the two a deployment's proxies write; `either` takes X-Forwarded-For when it is there, else Forwarded. */
export type ForwardedSource = 'x-forwarded' | 'forwarded' | 'either'

/** What trusted proxies say of a request's way here. Every value is checked; empty is not said. */
export interface Told {
  /** The first address beyond the trusted proxies. */
  readonly client: string
  /** The addresses from the client to our peer. */
  readonly hops: readonly string[]
  /** `http` or `https`, on the client's own leg. */
  readonly proto: string
  /** The authority that the client asked for. */
  readonly host: string
  readonly port: string
  /** A path that a proxy has taken off. */
  readonly prefix: string
}

/** Proxies in front of proxies: a chain longer than this ends here, whatever it goes on to say. */
const HOPS_MAX = 32
/** Addresses whose trust is remembered: the proxies are soon among them. */
const REMEMBERED_MAX = 1_024
/** The address of peers that have none. */
const UNIX = 'unix'

export class TrustedProxies {
  private readonly networks: ReturnType<typeof networkSet>
  private readonly source: ForwardedSource
  private readonly remembered = new Map<string, boolean>()

  /** `networks` as `parseNetwork` knows them, or `unix` for peers on Unix sockets. */
  constructor(networks: readonly string[], source: ForwardedSource) {
    this.networks = networkSet(networks.filter((one) => one !== UNIX))
    this.source = source
    this.remembered.set(UNIX, networks.includes(UNIX))
  }

  trusts(address: string): boolean {
    let known = this.remembered.get(address)
    if (known === undefined) {
      known = isIP(address) !== 0 && includes(this.networks, address)
      if (this.remembered.size < REMEMBERED_MAX) this.remembered.set(address, known)
    }
    return known
  }

  /** `peer` is a trusted proxy's address. */
  told(head: Head, peer: string): Told {
    const has = (name: string) => head.find(name) !== -1
    const listed = this.source === 'x-forwarded' || has('x-forwarded-for') || !has('forwarded')
    const told = listed && this.source !== 'forwarded' ? this.byList(head, peer) : this.byForwarded(head, peer)
    return { ...told, port: portOf(head), prefix: prefixOf(head) }
  }

  private byList(head: Head, peer: string): Omit<Told, 'port' | 'prefix'> {
    const entries = listOf(head, 'x-forwarded-for')
    const hops = this.walk(peer, (back) => addressOf(entries[entries.length - back] ?? ''))
    // A list of as many words as hops has one for each; a proxy that overwrites leaves one that stands for all.
    const word = (name: string) => {
      const words = listOf(head, name)
      return words[Math.max(0, words.length - Math.max(1, hops.length - 1))] ?? ''
    }
    return {
      client: hops[0]!,
      hops,
      proto: protoOf(word('x-forwarded-proto')),
      host: authorityOf(word('x-forwarded-host')),
    }
  }

  private byForwarded(head: Head, peer: string): Omit<Told, 'port' | 'prefix'> {
    const elements = listOf(head, 'forwarded').map(elementOf)
    const at = (back: number) => elements[elements.length - back]
    const hops = this.walk(peer, (back) => addressOf(at(back)?.get('for') ?? ''))
    // The element that names the client was written by whoever the client spoke to.
    const element = at(Math.max(1, hops.length - 1))
    return {
      client: hops[0]!,
      hops,
      proto: protoOf(element?.get('proto') ?? ''),
      host: authorityOf(element?.get('host') ?? ''),
    }
  }

  /** From the peer towards the client, as long as who speaks is trusted and names an address; `said(1)` is the last word. */
  private walk(peer: string, said: (back: number) => string): string[] {
    const hops = [peer]
    for (let back = 1; back < HOPS_MAX && this.trusts(hops[0]!); back++) {
      const address = said(back)
      if (address === '') break
      hops.unshift(address)
    }
    return hops
  }
}

/** The members of a list over all its lines; only as many of the last as may count. */
function listOf(head: Head, name: string): string[] {
  return head
    .all(name)
    .flatMap((value) => value.split(','))
    .slice(-HOPS_MAX)
    .map((member) => member.trim())
}

/** An IP address in one form: without brackets, port and mapping; empty when it is none (`unknown`, `_hidden`, a name). */
function addressOf(text: string): string {
  const [, six, four] = /^(?:\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|([\d.]+)(?::\d{1,5})?)$/.exec(text) ?? []
  const address = six ?? four ?? (/^[0-9A-Fa-f:.]+$/.test(text) ? text : '')
  if (isIP(address) === 0) return ''
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address.toLowerCase()
}

function protoOf(text: string): string {
  const proto = text.toLowerCase()
  return proto === 'http' || proto === 'https' ? proto : ''
}

function authorityOf(text: string): string {
  return text !== '' && hostOf(text) !== null ? text : ''
}

/** Said once, by the nearest proxy, or not at all: there is no telling which of two would be meant. */
function portOf(head: Head): string {
  const [port = '', ...others] = head.all('x-forwarded-port')
  return others.length === 0 && /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535 ? port : ''
}

function prefixOf(head: Head): string {
  const [prefix = '', ...others] = head.all('x-forwarded-prefix')
  // A prefix is pasted before paths: `//host` or dots would make another place of it (CVE-2026-35051).
  const isPath = /^(?:\/[\w~!$&'()*+=:@-][\w.~!$&'()*+=:@-]*)+$/.test(prefix)
  return others.length === 0 && isPath ? prefix : ''
}

/** token "=" ( token / quoted-string ), RFC 7239 §4. */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|$)/y

/**
 * One element of `Forwarded`, names in lower case; nothing when it is not by the letter. Elements are cut at every comma, quoted or
 * not: what a client has left open must not swallow what a proxy appends, and no proxy puts a comma into an address.
 */
function elementOf(text: string): ReadonlyMap<string, string> {
  const element = new Map<string, string>()
  for (PAIR.lastIndex = 0; PAIR.lastIndex < text.length;) {
    const [, name, token, quoted] = PAIR.exec(text) ?? []
    if (name === undefined || element.has(name.toLowerCase())) return NOTHING
    element.set(name.toLowerCase(), token ?? quoted!.replace(/\\(.)/g, '$1'))
  }
  return element
}

const NOTHING: ReadonlyMap<string, string> = new Map()
