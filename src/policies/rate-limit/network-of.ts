/**
 * Whom an address stands for when requests are counted: an IPv4 address is itself; an IPv6 one is its /64, the least that a
 * customer is given (RFC 6177 §2) and out of which anybody can pick a new address for every request.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [before = '', after] = address.split('::')
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const tail = after === '' ? [] : after.split(':')
    while (groups.length + tail.length < 8) groups.push('0')
    groups.push(...tail)
  }
  return groups.slice(0, 4).join(':')
}
