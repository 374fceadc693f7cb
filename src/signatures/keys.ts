/** Secrets as people write them, made into keys once, when the configuration is compiled. */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { decode } from './encoding.ts'
import type { KeyForm, Scheme } from './scheme.ts'

export const SECRET_PREFIX = 'whsec_'

/** Every active secret of a source or an endpoint, in the order given; at least one. Printing a KeyObject shows no secret. */
export type Keys = readonly [KeyObject, ...KeyObject[]]

/** A secret that cannot be a key. The message says why and never holds the secret. */
export class InvalidSecret extends Error {
  override readonly name = 'InvalidSecret'
}

/** Decodes `secrets` for `scheme`. Throws InvalidSecret, naming the position, when one cannot be a key or there is none. */
export function prepareKeys(scheme: Scheme, secrets: readonly string[]): Keys {
  const [first, ...rest] = secrets.map((secret, index) => {
    const bytes = keyBytes(scheme.key, secret)
    if (typeof bytes === 'string') throw new InvalidSecret(`secret ${index + 1} for ${scheme.id} ${bytes}`)
    return createSecretKey(bytes)
  })
  if (first === undefined) throw new InvalidSecret(`${scheme.id} needs a secret`)
  return [first, ...rest]
}

/** Why `secret` cannot be a key of `scheme` (`is empty`, `is not hex`), or null when it can. */
export function secretProblem(scheme: Scheme, secret: string): string | null {
  const bytes = keyBytes(scheme.key, secret)
  return typeof bytes === 'string' ? bytes : null
}

/** The key, or why there is none. An empty key is refused: whoever guesses that it is empty could sign. */
export function keyBytes(form: KeyForm, secret: string): Buffer | string {
  if (secret.trim() === '') return 'is empty'
  if (form === 'utf8') return Buffer.from(secret, 'utf8')
  if (form === 'hex') return decode(secret, 'hex') ?? 'is not hex'
  if (form === 'base64') return decode(secret, 'base64') ?? 'is not base64'
  const text = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret
  return decode(text, 'base64') ?? `is not ${SECRET_PREFIX} and base64`
}
