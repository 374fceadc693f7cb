/** What the demo leaves in `.postern/demo.json`: for scripts, and for its own next start, so that keys and secrets stay the same. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, systemCode } from '../failure.ts'

const Saved = z.object({
  /** URL of the gateway. */
  gateway: z.string(),
  /** URL of the admin and webhook API. */
  admin: z.string(),
  adminToken: z.string(),
  /** The mobile app's. */
  apiKey: z.string(),
  stripeSecret: z.string(),
  githubSecret: z.string(),
  /** URL at which the partner is called. */
  partner: z.string(),
})

export type Saved = z.infer<typeof Saved>

const FILE = 'demo.json'

/** Makes the folder (0700) unless it is there; what it holds is secret. */
export async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
}

/** What was saved, or the secrets of a first start. Throws Failure when the file is there and cannot be read. */
export async function readSaved(folder: string): Promise<Saved> {
  const path = join(folder, FILE)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw new Failure(`${path} cannot be read (${systemCode(error) ?? String(error)})`)
  })
  if (text === null) return fresh()
  try {
    return Saved.parse(JSON.parse(text))
  } catch {
    throw new Failure(`${path} is not what the demo wrote; remove it, and the demo makes another`)
  }
}

/** Replaces the file in one step, readable by its owner alone. */
export async function writeSaved(folder: string, saved: Saved): Promise<void> {
  const path = join(folder, FILE)
  await writeFile(`${path}.new`, `${JSON.stringify(saved, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

function fresh(): Saved {
  return {
    gateway: '',
    admin: '',
    adminToken: '',
    apiKey: randomText('key_'),
    stripeSecret: randomText('whsec_'),
    githubSecret: randomText('gh_'),
    partner: '',
  }
}

function randomText(prefix: string): string {
  return prefix + randomBytes(24).toString('hex')
}
