/** What the file may say about the CA that certificates are ordered from. */
import { z } from 'zod'
import { Wrong, leaf } from './leaves.ts'
import { parseLongDuration } from './units.ts'

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

const directory = leaf('a URL: https://acme.example/directory', (text) => {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, href } = new URL(text)
  if (protocol !== 'https:') return new Wrong('must begin with https: (RFC 8555 §6.1)')
  return username === '' && password === '' ? href : new Wrong('must be without a name and password')
})

/** Enough to catch what is none: the CA judges the rest. */
const email = leaf('an e-mail address: ops@shop.example', (text) =>
  /^[^\s@:,]+@[^\s@:,]+$/.test(text) ? text : undefined,
)

const longDuration = leaf('a duration of at most 366 days: 12h or 30d', (text) => {
  const ms = parseLongDuration(text)
  return ms === 0 ? new Wrong('must be at least 1ms') : ms
})

/** RFC 8555 §7.3.4: base64url, as CAs hand it out. */
const macKey = leaf('a key in base64url, as the CA gave it', (text) =>
  /^[\w-]{16,}={0,2}$/.test(text) ? text : undefined,
)

export const acme = z.strictObject({
  directory: directory.prefault(LETS_ENCRYPT).describe("URL of the CA's directory; that of Let's Encrypt unless said."),
  email: email.optional().describe('Where the CA may write to.'),
  'terms-agreed': z
    .literal(true, { error: "must be true: certificates are ordered only by who agrees to the CA's terms" })
    .describe("You agree to the CA's terms of service."),
  challenge: z
    .enum(['http-01', 'tls-alpn-01'])
    .default('http-01')
    .describe('How the CA finds out that a name is yours: over HTTP on port 80, or TLS on port 443.'),
  'renew-before': longDuration
    .prefault('30d')
    .describe('How long before a certificate ends the next is ordered; at the earliest in the middle of its life.'),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe("A PEM file, relative to this one: the CAs for the directory's own TLS; the system's unless said."),
  eab: z
    .strictObject({
      kid: z.string().min(1).describe('Id of the key.'),
      'hmac-key': macKey.describe('The key.'),
    })
    .optional()
    .describe('External account binding, for CAs that ask for it.'),
})
