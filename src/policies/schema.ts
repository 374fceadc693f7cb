/** Words that the schemas of several policies share. They stay plain text, so that each has a JSON Schema for editors and forms. */
import { z } from 'zod'
import { FIELD, fieldOf } from '../wire/head.ts'
import { DURATION } from './duration.ts'

/** `500ms`, `1s`, `1m`, `1h`, `1d`; read by `durationMs`. */
export const duration = z.string().regex(DURATION, 'must be a duration: 500ms, 5s, 1m, 2h or 1d')

/** An alternative name of a certificate, with its kind, as records and policies have it. */
export const certificateName = z
  .string()
  .regex(/^(?:DNS|URI|email|IP):\S+$/, 'must be a name with its kind: DNS:till.shop.example, URI:spiffe://shop/till/7')

/** Any field name, RFC 9110 §5.1. */
export const anyHeaderName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'is not a header name')

/** A field name that a policy may read and write: framing and the connection are the wire's business (RFC 9110 §7.6.1). */
export const headerName = anyHeaderName.refine((name) => fieldOf(name, 0, name.length) === FIELD.other, {
  message: 'belongs to the connection and is not for policies',
})
