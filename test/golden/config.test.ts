/**
 * Every `config/*.yaml` against the `.txt` beside it: what a good file means, what is said about a bad one.
 * `UPDATE_GOLDEN=1` writes the `.txt` anew; read the difference before committing it.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readSmallFile } from '../../src/config/event-schemas.ts'
import { type LoadResult, parseConfig } from '../../src/config/load.ts'
import { presentFaults } from '../../src/config/present.ts'
import { TEST_POLICIES } from './config/policies.ts'
import { Pems } from './pems.ts'

const FOLDER = join(import.meta.dirname, 'config')
const ENV = { MOBILE_APP_KEY: 'mobile-app-key-0123456789', STRIPE_WEBHOOK_SECRET: 'whsec_test', SHORT_KEY: 'short' }

/** When files are read that are about certificates which have expired. */
const LATER_MS = 10 * 86_400_000

const pems = await Pems.make()
after(() => pems.remove())

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')))
  test(`config/${file}`, () => {
    const text = readFileSync(join(FOLDER, file), 'utf8')
    const result = parseConfig(text, {
      env: ENV,
      baseDir: FOLDER,
      policies: TEST_POLICIES,
      providers: ['github', 'standard', 'stripe'],
      cpus: 2,
      readFile: (path) => pems.read(path) ?? readSmallFile(path),
      now: Date.now() + (file.includes('expired') ? LATER_MS : 0),
    })
    const actual = describe(result, file, text)
    const expectedPath = join(FOLDER, file.replace(/\.yaml$/, '.txt'))
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expectedPath, actual)
    assert.equal(actual, readFileSync(expectedPath, 'utf8'))
  })

function describe(result: LoadResult, file: string, text: string): string {
  const present = { file, text, color: false }
  if (!result.ok) return `${presentFaults(result.faults, { ...present, level: 'error' })}\n`
  // Certificates are made anew each time.
  const dated = (said: string) => said.replace(/ on \d{4}-\d\d-\d\d/g, ' on <date>')
  if (result.warnings.length > 0) return `${dated(presentFaults(result.warnings, { ...present, level: 'warning' }))}\n`
  // The folder is another one on every machine.
  return `${pems.hide(JSON.stringify(result.state, null, 2)).replaceAll(FOLDER, '<folder>')}\n`
}
