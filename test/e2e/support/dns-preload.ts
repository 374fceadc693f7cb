/** Loaded into the product by `--import`: a name service of the tests' own, so that names lead to the same addresses everywhere. */
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

/** What a name resolves to, one list after the other for each time it is asked for; the last one stays. */
const ANSWERS: Readonly<Record<string, string[][]>> = {
  'loopback.test': [['127.0.0.1', '::1']],
  'private.test': [['10.0.0.1', 'fd00::1']],
  'metadata.test': [['169.254.169.254']],
  'mapped.test': [['::ffff:127.0.0.1']],
  'mixed.test': [['10.0.0.1', '127.0.0.1']],
  'rebinding.test': [['127.0.0.1'], ['127.0.0.2']],
}

function lookup(
  hostname: string,
  options: dns.LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
): void {
  const answers = ANSWERS[hostname]
  if (answers === undefined) return original(hostname, options, callback)
  const addresses = answers.length > 1 ? answers.shift()! : answers[0]!
  process.nextTick(
    callback,
    null,
    addresses.map((address) => ({ address, family: isIP(address) })),
  )
}

const original: typeof lookup = dns.lookup
Object.assign(dns, { lookup })
syncBuiltinESMExports()
