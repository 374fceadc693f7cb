/** The keys of a store's vault: given by the operator, or in a file beside the store that the first start makes. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Store } from './port.ts'
import { CannotOpen, Vault, keyName, keyNameOf, sealingKey } from './vault.ts'

/** A setting that says with which key the store is sealed; its text says nothing. */
const WITNESS = 'vault'

/** Nothing was changed: the words say what is missing. */
class VaultLocked extends Error {
  override readonly name = 'VaultLocked'
}

export interface KeyringOptions {
  /** As the operator has written them, the one that seals first; empty: those of the file. */
  readonly given: readonly string[]
  /** One key a line, the one that seals first. */
  readonly file: string
}

/**
 * The vault of `store`, which is read without one. Throws VaultLocked when a key is none, when others may read the file, or when the
 * store is sealed with a key that is not here; a new file is made only for a store that has never been sealed.
 */
export async function openVault(store: Store, { given, file }: KeyringOptions): Promise<Vault> {
  const witness = await store.getSetting(WITNESS)
  const texts = given.length > 0 ? given : (readKeyFile(file) ?? (witness === null ? makeKeyFile(file) : []))
  const where = given.length > 0 ? 'the given key' : file
  const keys = texts.map((text) => {
    const key = sealingKey(text)
    if (key === null) throw new VaultLocked(`${where} holds what is no key: a key is 32 bytes in base64 or hex`)
    return key
  })
  const name = witness === null ? '' : (keyNameOf(witness) ?? '')
  if (keys.length === 0)
    throw new VaultLocked(`the secrets of this store are sealed with the key ${name}, and ${file} is not there`)
  const vault = new Vault(keys)
  try {
    if (witness === null) await store.initSetting(WITNESS, vault.seal('', `setting ${WITNESS}`))
    else vault.open(witness, `setting ${WITNESS}`)
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error
    throw new VaultLocked(`the secrets of this store are sealed with the key ${name}, which ${where} does not have`)
  }
  return vault
}

/** Null when there is none. */
function readKeyFile(file: string): string[] | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new VaultLocked(`others than its owner may read ${file}: chmod 600 it`)
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Another key seals from the next start on; those before it still open. Returns its name. Throws when there is no file. */
export function rotateKeyFile(file: string): string {
  const before = readFileSync(file, 'utf8')
  const key = randomBytes(32)
  const draft = writeDraft(file, `${key.toString('base64')}\n${before}`)
  renameSync(draft, file)
  syncFolder(file)
  return keyName(key)
}

/** On disk before it is used: what is sealed with a key that a power cut took is lost. Of two that make one, one wins. */
function makeKeyFile(file: string): string[] {
  const draft = writeDraft(file, `${randomBytes(32).toString('base64')}\n`)
  try {
    linkSync(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
  syncFolder(file)
  return readKeyFile(file) ?? []
}

function writeDraft(file: string, text: string): string {
  const draft = `${file}.${process.pid}`
  const fd = openSync(draft, 'wx', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  return draft
}

function syncFolder(file: string): void {
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
