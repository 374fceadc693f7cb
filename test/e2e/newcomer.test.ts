/** A newcomer's first minutes: a clone, `npm ci` with nothing cached, `npm start`, one request, Ctrl-C. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { tempFolder } from '../support/temp.ts'

const run = promisify(execFile)
/** What is committed is what a newcomer gets; changes that are not do not count here. */
const REPOSITORY = join(import.meta.dirname, '../..')
/** An installation over a slow network. */
const PATIENCE_MS = 600_000

/** What npm takes from the environment to reach a registry. */
const REACH = /^npm_config_(?:.*registry|.*proxy|cafile|userconfig|globalconfig)$/i

const folder = await tempFolder()
after(() => folder.remove())
const clone = join(folder.path, 'clone')
const env = newcomersEnvironment()

/** Ours, without what npm and the Node of this run have put into it: a newcomer has a shell, and whatever Node is on the path. */
function newcomersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => REACH.test(name) || !/^(?:npm_.*|INIT_CWD|NODE|NODE_TEST_CONTEXT)$/i.test(name),
  )
  const path = (process.env['PATH'] ?? '').split(':').filter((entry) => !entry.includes('node_modules'))
  return { ...Object.fromEntries(kept), PATH: path.join(':'), npm_config_cache: join(folder.path, 'cache') }
}

const start = (...args: string[]) => ['start', '--', '--port', '0', '--admin-port', '0', ...args]

test('a clone installs with nothing cached', { timeout: PATIENCE_MS }, async () => {
  await run('git', ['clone', '--quiet', REPOSITORY, clone], { env })
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clone, env })
})

test('npm start tells the whole story', { timeout: PATIENCE_MS }, async () => {
  const { stdout } = await run('npm', start('--once'), { cwd: clone, env })
  assert.match(stdout, /Every step happened/)
})

test('npm start stays up, answers, and ends at Ctrl-C', { timeout: PATIENCE_MS }, async (t) => {
  // A group of its own, so that Ctrl-C can be sent as a terminal does: to npm, its shell and us.
  const npm = spawn('npm', start(), { cwd: clone, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  t.after(() => endGroup(npm, 'SIGKILL'))
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface(npm.stdout).on('line', (line) => {
      said.push(line)
      if (line.includes('until Ctrl-C')) resolve()
    })
    npm.once('exit', () => reject(new Error(`it ended\n${said.join('\n')}`)))
  })

  const { gateway, apiKey } = JSON.parse(await readFile(join(clone, '.postern/demo.json'), 'utf8'))
  const profile = () => fetch(`${gateway}/user/profile`, { headers: { 'x-api-key': apiKey } })
  const answer = await profile()
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /"calledBy":"mobile-app"/)
  assert.ok(
    said.some((line) => line.includes(apiKey)),
    'the lines to copy have the real key',
  )

  const ended = once(npm, 'close')
  endGroup(npm, 'SIGINT')
  await ended
  assert.match(
    said.at(-1) ?? '',
    /Stopped/,
    'everything is closed in order, though npm passes the signal on a second time',
  )
  await assert.rejects(profile(), 'nobody listens any more')
})

function endGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
}
