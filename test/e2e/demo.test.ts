/** The demo as a person meets it: the story happens, its secrets are kept to their owner, and it can be played again. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tempFolder } from '../support/temp.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const folder = await tempFolder()
after(() => folder.remove())

interface Played {
  /** Exit code. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function demo(...args: string[]): Promise<Played> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'demo', '--once', ...args], { cwd: folder.path }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

async function saved(): Promise<Record<string, string>> {
  return JSON.parse(await readFile(join(folder.path, '.postern/demo.json'), 'utf8'))
}

const STEPS = ['profile', 'partner', 'cart', 'stripe', 'github', 'outage', 'import']
const KEYS = ['gateway', 'admin', 'adminToken', 'apiKey', 'stripeSecret', 'githubSecret', 'partner']

test('every step happens, and what it keeps is for its owner alone', async () => {
  const { code, stdout, stderr } = await demo('--port', '0', '--admin-port', '0')
  assert.equal(stderr, '')
  assert.equal(code, 0, stdout)
  for (const step of STEPS) assert.match(stdout, new RegExp(`^  ✓ ${step} `, 'm'))
  assert.match(stdout, /Every step happened/)
  assert.ok(!stdout.includes('\u001b'), 'no colours and no spinner without a terminal')

  assert.deepEqual(Object.keys(await saved()), KEYS)
  const state = join(folder.path, '.postern')
  assert.equal((await stat(state)).mode & 0o777, 0o700)
  for (const name of await readdir(state)) assert.equal((await stat(join(state, name))).mode & 0o777, 0o600, name)
})

test('it can be played again: keys and secrets stay the same', async () => {
  const before = await saved()
  const { code, stdout, stderr } = await demo('--port', '0', '--admin-port', '0')
  assert.equal(code, 0, stdout + stderr)
  const now = await saved()
  for (const key of ['adminToken', 'apiKey', 'stripeSecret', 'githubSecret']) assert.equal(now[key], before[key], key)
})

test('a port that is taken is named, with a way out', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { port } = address
  const { code, stderr } = await demo('--port', '0', '--admin-port', String(port))
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken.*npm start -- --admin-port \\d+`))
})
