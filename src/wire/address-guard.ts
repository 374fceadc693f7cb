/**
 * Refuses connections to addresses that are not public, at the moment an address is dialled: the name is resolved here, every
 * address is judged, and the one that passed is the one connected to, so that DNS cannot change its mind in between (rebinding).
 */
import { lookup as dnsLookup } from 'node:dns'
import { BlockList, type LookupFunction, isIP } from 'node:net'
import { networkSet } from '../base/networks.ts'

export type GuardedLookup = LookupFunction

/** Special-purpose ranges (IANA registries, RFC 6890) that a webhook of a stranger must not reach. */
const NOT_PUBLIC: ReadonlyArray<readonly [string, number, 'ipv4' | 'ipv6']> = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['::ffff:0:0:0', 96, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
  ['5f00::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]

/**
 * Ports of services that would do something with a line of an HTTP request, or that no receiver of webhooks listens on: remote shells,
 * mail, names, files, directories, databases, queues, the daemons of containers.
 */
const ODD_PORTS: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 138, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530,
  531, 532, 540, 543, 544, 548, 554, 556, 563, 587, 601, 636, 873, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723,
  2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4369, 5060, 5061, 5432, 5672, 5900, 5984, 6000, 6379,
  6566, 6660, 6665, 6666, 6667, 6668, 6669, 6697, 7000, 7001, 9042, 9092, 9200, 9300, 10080, 10250, 11211, 26379, 27017,
  27018,
])

class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress'
}

export function isBlockedError(error: Error): boolean {
  return error instanceof BlockedAddress
}

/** One for an engine; outlives reloads, which only change what it allows. */
export class AddressGuard {
  private readonly blocked = new BlockList()
  private allowed = new BlockList()
  private denied = new BlockList()
  private ports: ReadonlySet<number> | null = null
  /** Counts the updates: what was judged under an older one is judged again. */
  generation = 0

  constructor() {
    for (const [net, prefix, family] of NOT_PUBLIC) this.blocked.addSubnet(net, prefix, family)
  }

  /**
   * `allow`: CIDRs or addresses that may be dialled although they are not public; `deny`: those that may not, whatever allows them;
   * `ports`: the only ones that may be dialled, null: all but odd ones.
   */
  update(allow: readonly string[], deny: readonly string[] = [], ports: readonly number[] | null = null): void {
    this.allowed = networkSet(allow)
    this.denied = networkSet(deny)
    this.ports = ports === null ? null : new Set(ports)
    this.generation++
  }

  /** Null when the address (an IP literal) may be dialled, else the reason. */
  refusal(address: string): string | null {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    // BlockList reads an IPv4-mapped address (::ffff:0:0/96) as the IPv4 address it holds.
    if (this.denied.check(address, family)) return `${address} is in egress.deny`
    if (this.allowed.check(address, family) || !this.blocked.check(address, family)) return null
    return `${address} is not a public address and not in egress.allow`
  }

  /** Null when the port may be dialled, else the reason. */
  portRefusal(port: number): string | null {
    if (this.ports !== null) return this.ports.has(port) ? null : `port ${port} is not in egress.ports`
    return ODD_PORTS.has(port) ? `port ${port} is no receiver's; name it in egress.ports` : null
  }

  /** What can be said of a URL without asking DNS: its port, a literal address, and the name that is loopback by definition (RFC 6761 §6.3). */
  refusalOfUrl(url: string): string | null {
    const { hostname, port, protocol } = new URL(url)
    const odd = this.portRefusal(port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
    if (odd !== null) return odd
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
    if (host === 'localhost' || host.endsWith('.localhost')) return this.refusal('127.0.0.1')
    return isIP(host) === 0 ? null : this.refusal(host)
  }

  /** For `net.connect`: resolves a name and judges every address it has. */
  readonly lookup: GuardedLookup = (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0)
      const good = addresses.filter((one) => this.refusal(one.address) === null)
      const first = good[0]
      if (first === undefined) return callback(new BlockedAddress(hostname), '', 0)
      if (options.all === true) callback(null, good)
      else callback(null, first.address, first.family)
    })
  }
}
