/** What the file may say about a consumer. */
import { z } from 'zod'
import { certificateName } from '../policies/schema.ts'

/** By one of the two: a certificate may have several names, and every one must lead to the same consumer. */
const clientCertificate = z
  .strictObject({
    subject: z.string().min(1).optional().describe('Its subject as in the access record: CN=till 7,O=Shop.'),
    san: certificateName.optional().describe('One of its alternative names: URI:spiffe://shop/till/7.'),
  })
  .refine(({ subject, san }) => (subject === undefined) !== (san === undefined), {
    message: 'names a certificate by its `subject` or by its `san`, one of them',
  })

const credential = z
  .strictObject({
    'api-key': z.string().min(16).optional().describe('Sent by the client; see `key-auth`.'),
    'client-cert': clientCertificate.optional().describe('Shown in the TLS handshake; see `client-cert`.'),
  })
  .refine((one) => (one['api-key'] === undefined) !== (one['client-cert'] === undefined), {
    message: 'is an `api-key` or a `client-cert`',
  })

export const consumer = z.strictObject({ credentials: z.array(credential).nullish() }).nullable()
