/** What client-cert can be told. */
import { z } from 'zod'
import { certificateName } from '../schema.ts'

export const clientCertConfig = z.strictObject({
  required: z.boolean().default(true).describe('Refuse clients that show no certificate.'),
  subjects: z
    .array(z.string().min(1))
    .default([])
    .describe('Subjects that may come in, as in the access record: `CN=till 7,O=Shop`.'),
  sans: z
    .array(certificateName)
    .default([])
    .describe('Alternative names that may come in: `DNS:till.shop.example`, `URI:spiffe://shop/till/7`.'),
  known: z.boolean().default(false).describe('Refuse certificates that are no consumer’s.'),
  forward: z.boolean().default(true).describe('Tell the upstream the certificate, in `Client-Cert` (RFC 9440).'),
})

export type ClientCertConfig = z.infer<typeof clientCertConfig>
