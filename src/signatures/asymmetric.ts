/** Standard Webhooks `v1a`: Ed25519 keys as the specification writes them, and what they sign. */
import { type KeyObject, createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto'
import type { SignedContent } from './content.ts'
import { decode } from './encoding.ts'
import { InvalidSecret } from './keys.ts'

/** `whsk_` and base64 of the private key, 32 bytes, and the public one behind it. */
export const PRIVATE_PREFIX = 'whsk_'
const PUBLIC_PREFIX = 'whpk_'
const KEY_BYTES = 32
/** What stands before the 32 bytes in the DER forms (RFC 8410 §7, §4). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A public key as JWK (RFC 8037 §2), named by its thumbprint (RFC 7638). */
export interface PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly alg: 'EdDSA'
  readonly use: 'sig'
}

/** A new key: `whsk_…`. */
export function generatePrivateKey(): string {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const bytes = [d, x].map((part) => Buffer.from(part!, 'base64url'))
  return PRIVATE_PREFIX + Buffer.concat(bytes).toString('base64')
}

/** Why `text` cannot be such a key, a sentence without it, or null when it can. */
export function privateKeyProblem(text: string): string | null {
  return typeof read(text) === 'string'
    ? `A private signing key is ${PRIVATE_PREFIX} and base64 of an Ed25519 key pair.`
    : null
}

/** Throws InvalidSecret, without the key. */
export function privateKeyOf(text: string): KeyObject {
  const key = read(text)
  if (typeof key === 'string') throw new InvalidSecret(`a ${PRIVATE_PREFIX} secret ${key}`)
  return key
}

/** What receivers verify with: `whpk_…`. Throws InvalidSecret. */
export function publicKeyText(privateText: string): string {
  return PUBLIC_PREFIX + Buffer.from(publicX(privateKeyOf(privateText)), 'base64url').toString('base64')
}

/** Throws InvalidSecret. */
export function publicJwk(privateText: string): PublicJwk {
  const x = publicX(privateKeyOf(privateText))
  const kid = hash('sha256', JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }), 'base64url')
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }
}

/** `v1a,BASE64` over the same content as `v1`. Ed25519 signs a message in one piece. */
export function signAsymmetric({ id, timestamp, body }: SignedContent, key: KeyObject): string {
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`, 'latin1'), body])
  return `v1a,${sign(null, content, key).toString('base64')}`
}

function read(text: string): KeyObject | string {
  if (!text.startsWith(PRIVATE_PREFIX)) return `does not begin so`
  const bytes = decode(text.slice(PRIVATE_PREFIX.length), 'base64')
  if (bytes === null || bytes.length !== 2 * KEY_BYTES) return 'is not base64 of 64 bytes'
  const der = Buffer.concat([PKCS8, bytes.subarray(0, KEY_BYTES)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  // A public half of another pair would be handed out, and nothing would verify.
  const isPair = Buffer.from(publicX(key), 'base64url').equals(bytes.subarray(KEY_BYTES))
  return isPair ? key : 'holds two keys that are no pair'
}

function publicX(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x!
}
