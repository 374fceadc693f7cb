/** What the file may say about TLS. */
import { z } from 'zod'
import { duration, hostName, hostPattern, orderedName } from './leaves.ts'

const pem = (what: string) => z.string().min(1).describe(`A PEM file, relative to this one: ${what}`)
const hosts = (what: string) => z.array(hostPattern).min(1).optional().describe(what)

const minVersion = z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('The lowest version spoken.')
const ciphers = z
  .string()
  .min(1)
  .optional()
  .describe("Ciphers of TLS 1.2 in OpenSSL's notation; safe ones unless said.")

const certificate = z.strictObject({
  cert: pem('the certificate, then the ones between it and its root.'),
  key: pem('its private key.'),
  hosts: hosts('Names it is for; those that stand in the certificate unless said.'),
})

const clientCertificates = z.strictObject({
  ca: pem('the CAs that issue them.'),
  mode: z
    .enum(['required', 'optional'])
    .default('required')
    .describe('With optional, clients are asked for one and may have none.'),
  hosts: hosts('The names for which one is required; all unless said. For the others it is optional.'),
})

export const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .default([])
    .describe('The one whose names fit is shown; the first to clients that ask for no name, or for none of them.'),
  acme: z
    .array(orderedName)
    .default([])
    .describe('Names whose certificates are ordered from the CA of `acme`, one for each, and renewed.'),
  'strict-sni': z.boolean().default(false).describe('Refuse clients that ask for no name, or for none of these.'),
  'min-version': minVersion,
  ciphers,
  protocols: z
    .array(z.enum(['h2', 'http/1.1']))
    .min(1)
    .default(['h2', 'http/1.1'])
    .describe('Spoken behind it, best first.'),
  'handshake-timeout': duration(1).prefault('10s').describe('Until a connection has to be secured.'),
  'client-certificates': clientCertificates.optional().describe('Ask clients for certificates.'),
})

export type FileTls = z.output<typeof listenerTls>

/** Of a service whose instances are at https. */
export const serviceTls = z
  .strictObject({
    ca: pem('the CAs that are believed, and no others; the well-known ones unless said.').optional(),
    'server-name': hostName
      .optional()
      .describe('Asked for by SNI, and expected in the certificate; the host of the instance unless said.'),
    certificate: pem('what is shown to an instance that asks who calls.').optional(),
    key: pem("that certificate's private key.").optional(),
    verify: z.boolean().default(true).describe('With false whoever answers is believed: for trying things out only.'),
    'min-version': minVersion,
    ciphers,
  })
  .prefault({})

export type FileServiceTls = z.output<typeof serviceTls>

export const moreCa = pem(
  'CAs that are believed beside the well-known ones, of endpoints and of services that name none.',
)
