/** Tests of the commands that talk to a running server, with one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startPostern } from '../../test/support/postern.ts'
import { cli } from './test-host.ts'

const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
access-log: off
egress: { allow: [127.0.0.0/8] }
services: { kept: http://127.0.0.1:1 }
consumers: { partner: }
sources:
  stripe: { provider: stripe, secrets: [whsec_of_this_test], deliver: [{ service: kept }] }
routes:
  hook: { match: /hook, ingest: stripe }
`)
after(() => postern.stop())

const FILE = join(postern.folder, 'postern.yaml')
const token = (await cli(['token', FILE])).out.trim()
const env = { POSTERN_SERVER: postern.admin, POSTERN_TOKEN: token }

test('token prints the token and nothing else, the same every time', async () => {
  assert.match(token, /^\S{20,}$/)
  assert.deepEqual(await cli(['token', FILE]), { code: 0, out: `${token}\n`, err: '' })
})

test('explain asks the server', async () => {
  const { code, out } = await cli(['explain', 'POST', '/hook'], { env })
  assert.equal(code, 0)
  assert.match(out, /→ hook\n/)
  assert.match(out, /Then: ingest stripe/)
})

test('send publishes, from the line, from a file, from standard input', async () => {
  const path = join(postern.folder, 'event.json')
  await writeFile(path, '{"from":"file"}')
  for (const [data, stdin] of [['{"n":1}'], [`@${path}`], ['-', '{"from":"stdin"}']] as const) {
    const said = await cli(['send', 'partner', 'order.paid', '--data', data], { env, ...(stdin && { stdin }) })
    assert.equal(said.err, '')
    assert.match(said.out, /^msg_\w+\n$/)
  }
})

test('send says what is wrong with what it was given', async () => {
  const wrong = async (...args: string[]) => (await cli(['send', ...args], { env })).err
  assert.match(await wrong('partner'), /postern send APP EVENT_TYPE/)
  assert.match(await wrong('partner', 'order.paid', '--data', '[1]'), /must be a JSON object/)
  assert.match(
    await wrong('partner', 'order.paid', '--data', '@no-such-file'),
    /no-such-file cannot be read \(ENOENT\)/,
  )
  assert.match(await wrong('nobody', 'order.paid'), /error: .+\n$/)
  assert.match(await wrong('--sign', 'strype', '--to', 'http://x', '--secret', 's'), /no provider strype; there are/)
  assert.match(await wrong('--sign', 'stripe'), /needs --to URL and --secret SECRET/)
})

test('send --sign plays a provider: the right secret is accepted, a wrong one is not', async () => {
  const play = (secret: string) =>
    cli(['send', '--sign', 'stripe', '--to', `${postern.gateway[0]}/hook`, '--secret', secret, '--event', 'paid'])
  const good = await play('whsec_of_this_test')
  assert.equal(good.err, '')
  assert.match(good.out, /^200 \{"id":"msg_\w+"\}\n$/)
  const bad = await play('another')
  assert.equal(bad.code, 1)
  assert.match(bad.out, /^401 .*signature-invalid/)
})

test('tail follows attempts as they are recorded, and ends at Ctrl-C', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const tail = spawn(process.execPath, [main, 'tail', '--json'], { env: { ...process.env, ...env } })
  after(() => tail.kill('SIGKILL'))
  const lines = createInterface(tail.stdout)
  const first = once(lines, 'line')
  // It shows what comes after it has looked for the first time; when that is nobody says, so events keep coming.
  const send = ['send', '--sign', 'stripe', '--to', `${postern.gateway[0]}/hook`, '--secret', 'whsec_of_this_test']
  const sending = setInterval(() => void cli(send), 300)
  const [line] = await first
  clearInterval(sending)
  const attempt = JSON.parse(String(line))
  assert.equal(attempt.ok, false)
  assert.equal(attempt.failure, 'connect-refused')

  const ended = once(tail, 'exit')
  tail.kill('SIGINT')
  assert.deepEqual(await ended, [0, null])
})

test('a wrong token, no token, no server: each says what to do', async () => {
  const ask = ['explain', 'GET', '/']
  const wrong = await cli(ask, { env: { ...env, POSTERN_TOKEN: 'wrong' } })
  assert.match(wrong.err, /refuses this token; `postern token FILE` prints the right one/)
  const none = await cli(ask)
  assert.match(none.err, /a token is needed/)
  // A port that was somebody's a moment ago.
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const address = closed.address()
  assert.ok(typeof address === 'object' && address !== null)
  await new Promise((resolve) => closed.close(resolve))
  const nobody = await cli([...ask, '--server', `http://127.0.0.1:${address.port}`, '--token', token])
  assert.match(nobody.err, /nothing answers at http:\/\/127\.0\.0\.1:\d+; start a server with `postern run FILE`/)
  assert.match((await cli([...ask, '--server', 'x', '--token', token])).err, /--server must be a URL/)
  for (const said of [wrong, none, nobody]) assert.equal(said.code, 1)
})
