/** Tests of what only a process of its own shows: signals, ports that are taken, a pipe that closes early. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tempFolder } from '../../test/support/temp.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

interface Started {
  readonly child: ChildProcess
  /** Exit code and signal. */
  readonly exit: Promise<unknown[]>
  readonly stderr: Promise<string>
}

async function start(t: TestContext, yaml: string, stdio: 'pipe' | 'ipc' = 'pipe'): Promise<Started> {
  const folder = await tempFolder()
  const path = join(folder.path, 'postern.yaml')
  await writeFile(path, `threads: 1\n${yaml}`)
  const channel = stdio === 'ipc' ? (['ipc'] as const) : []
  const child = spawn(process.execPath, [MAIN, 'run', path], { stdio: ['ignore', 'pipe', 'pipe', ...channel] })
  const stderr = text(child.stderr!)
  const exit = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exit
    await folder.remove()
  })
  return { child, exit, stderr }
}

/** The URL of the first listener, when it is ready. */
async function gatewayOf({ child }: Started): Promise<string> {
  for await (const line of createInterface(child.stdout!)) {
    const message = JSON.parse(line)
    if (message.msg === 'ready') return message.gateway[0]
  }
  throw new Error('it ended before it was ready')
}

/** A port that somebody listens on until the test ends, and who. */
async function hangingServer(t: TestContext): Promise<{ port: number; asked: Promise<unknown> }> {
  // It takes requests and never answers.
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { port: address.port, asked: once(server, 'request') }
}

const ANY = 'listeners: [{ address: 127.0.0.1:0 }]\nadmin: { address: 127.0.0.1:0 }\n'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends it in order`, async (t) => {
    const started = await start(t, ANY)
    await gatewayOf(started)
    started.child.kill(signal)
    assert.deepEqual(await started.exit, [0, null])
    assert.equal(await started.stderr, '')
  })
}

test('a second signal ends it at once, whatever still runs; two that come as one do not', async (t) => {
  const { port, asked } = await hangingServer(t)
  const started = await start(
    t,
    `${ANY}services: { slow: 'http://127.0.0.1:${port}' }\nroutes: { all: { match: /*, proxy: slow } }`,
  )
  const url = await gatewayOf(started)
  const request = fetch(url).catch(() => 'gone')
  await asked
  started.child.kill('SIGINT')
  started.child.kill('SIGINT')
  await sleep(1_000)
  assert.equal(started.child.exitCode, null, 'a request that runs is waited for')
  started.child.kill('SIGINT')
  assert.deepEqual(await started.exit, [1, null])
  assert.equal(await request, 'gone')
})

test('it ends when the process that started it over a channel is gone', async (t) => {
  const started = await start(t, ANY, 'ipc')
  await gatewayOf(started)
  started.child.disconnect()
  assert.deepEqual(await started.exit, [0, null])
})

test('a port that is taken is named', async (t) => {
  const { port } = await hangingServer(t)
  const started = await start(t, ANY.replace('127.0.0.1:0', `127.0.0.1:${port}`))
  assert.deepEqual(await started.exit, [1, null])
  assert.match(await started.stderr, new RegExp(`error: 127\\.0\\.0\\.1:${port} is taken by another process`))
})

test('a reader that has seen enough is no error', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" "${MAIN}" policies --json | head -c 1`])
  assert.equal(await text(child.stderr), '')
})
