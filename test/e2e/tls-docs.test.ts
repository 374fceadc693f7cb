/** docs/tls.md: its examples are configurations that are taken, and its tables have every key of the schema. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { z } from 'zod'
import { acme } from '../../src/config/acme-schema.ts'
import { parseConfig } from '../../src/config/load.ts'
import { listenerTls } from '../../src/config/tls-schema.ts'
import { DOCUMENTED_POLICIES } from '../../src/policies/schemas.ts'
import { TestAuthority } from '../support/certificates.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/tls.md'), 'utf8')
const examples = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(({ 1: yaml }) => yaml!)

const authority = await TestAuthority.make()
after(() => authority.remove())

/** Every file that an example names is a certificate or a key that fits. */
function readFile(path: string): string {
  const stem = basename(path).replace(/\.(?:pem|key)$/, '')
  if (stem.endsWith('-ca')) return authority.ca
  const { chain, key } = issued.get(stem) ?? authority.issue(stem, `/CN=${stem}`, [`DNS:${stem}.example`])
  issued.set(stem, { chain, key })
  return path.endsWith('.key') ? key : chain
}
const issued = new Map<string, { readonly chain: string; readonly key: string }>()

for (const yaml of examples)
  test(`the example is taken: ${yaml.split('\n').slice(0, 6).join(' ')}`, () => {
    const result = parseConfig(yaml, {
      env: {},
      baseDir: authority.folder,
      policies: DOCUMENTED_POLICIES,
      providers: [],
      cpus: 1,
      readFile,
      // They are made while the example is read.
      now: Date.now() + 60_000,
    })
    assert.deepEqual(result.ok ? result.warnings : result.faults, [])
  })

test('the tables have every key of listeners’ TLS and of acme', () => {
  for (const [heading, schema] of [
    ['`listeners[].tls`', listenerTls],
    ['`acme`', acme],
  ] as const) {
    const table = page.split('\n\n').find((block) => block.startsWith(`| ${heading} `))!
    const rows = [...table.matchAll(/^\| `([\w-]+)`/gm)]
      .map(({ 1: key }) => key!)
      .filter((key) => `\`${key}\`` !== heading)
    const keys = Object.keys(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {})
    assert.deepEqual(rows.toSorted(), keys.toSorted())
  }
})
