/** Seals texts with AES-256-GCM, each bound to its place, so that whoever has the store alone has no secret. */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'

/** The envelope: this, the key's name, then nonce, ciphertext and tag together. Another version begins with another number. */
const PREFIX = 'sealed:1:'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

/** What is sealed cannot be opened: its key is not here, or it was altered or moved. The message holds nothing of it. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen'
}

/** 32 bytes in base64 or hex; null when the text is neither. */
export function sealingKey(text: string): Uint8Array | null {
  for (const encoding of ['hex', 'base64'] as const) {
    const bytes = Buffer.from(text, encoding)
    if (bytes.length === KEY_BYTES && bytes.toString(encoding) === (encoding === 'hex' ? text.toLowerCase() : text))
      return bytes
  }
  return null
}

/** How a key is told from others, in envelopes and in messages. */
export function keyName(key: Uint8Array): string {
  return hash('sha256', key, 'hex').slice(0, 8)
}

/** The name of the key that a sealed text was sealed with; null for a plain text. */
export function keyNameOf(text: string): string | null {
  return text.startsWith(PREFIX) ? text.slice(PREFIX.length, text.indexOf(':', PREFIX.length)) : null
}

export class Vault {
  /** The first seals, every one opens. */
  readonly keys: readonly Uint8Array[]
  private readonly current: string
  private readonly byName: ReadonlyMap<string, Uint8Array>

  constructor(keys: readonly Uint8Array[]) {
    const [first] = keys
    if (first === undefined) throw new RangeError('a vault needs a key')
    this.keys = keys
    this.current = keyName(first)
    this.byName = new Map(keys.map((key) => [keyName(key), key]))
  }

  /** `place` is what the text belongs to; it opens for the same place only. */
  seal(text: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.keys[0]!, nonce).setAAD(Buffer.from(place))
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `${PREFIX}${this.current}:${sealed.toString('base64url')}`
  }

  /** A text that was never sealed is given back as it is. Throws CannotOpen. */
  open(text: string, place: string): string {
    const name = keyNameOf(text)
    if (name === null) return text
    const key = this.byName.get(name)
    if (key === undefined) throw new CannotOpen(`the key ${name} is not here`)
    const sealed = Buffer.from(text.slice(PREFIX.length + name.length + 1), 'base64url')
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new CannotOpen('what is sealed was cut short')
    const opener = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    opener.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(-TAG_BYTES))
    try {
      return opener.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + opener.final('utf8')
    } catch {
      throw new CannotOpen(`what is sealed for ${place} was altered, or belongs elsewhere`)
    }
  }

  /** Sealed, and with the key that seals now. */
  isCurrent(text: string): boolean {
    return keyNameOf(text) === this.current
  }
}
