/** Where connections come in: both families, one port for both, and Unix sockets that several engines answer at. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { tempFolder } from '../support/temp.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

const configuration = (listeners: string, more = ''): string => `
listeners: ${listeners}
admin: { address: 127.0.0.1:0 }
threads: 2
${more}
routes: { all: { match: /*, reply: { body: ok } } }
`

async function statusAt(at: number | string, host?: string): Promise<number> {
  const client = await RawClient.connect(at, host)
  await client.send(REQUEST)
  const { status } = await client.response()
  client.close()
  return status
}

test('[::] takes both families, or only its own', async (t) => {
  const postern = await startPostern(
    configuration('[{ address: "[::]:0" }, { address: "[::]:0", dual-stack: false }, { address: "[::1]:0" }]'),
  )
  t.after(() => postern.stop())
  assert.match(postern.gateway[0]!, /^http:\/\/\[::\]:\d+$/)
  assert.deepEqual([await statusAt(postern.port(0), '::1'), await statusAt(postern.port(0), '127.0.0.1')], [200, 200])
  assert.equal(await statusAt(postern.port(1), '::1'), 200)
  await assert.rejects(RawClient.connect(postern.port(1), '127.0.0.1'))
  assert.equal(await statusAt(postern.port(2), '::1'), 200)
  const clients = (await postern.waitForRecords(4)).map(({ client }) => String(client))
  assert.deepEqual(
    clients.toSorted((a, b) => a.localeCompare(b)),
    ['::1', '::1', '::1', '127.0.0.1'],
  )
})

test('a Unix socket is answered at by every engine, has its permissions, and is gone at the end', async () => {
  const folder = await tempFolder()
  const postern = await startPostern(configuration('[{ address: unix:p.sock, mode: "0660" }]'), { folder: folder.path })
  const path = join(folder.path, 'p.sock')
  assert.deepEqual(postern.gateway, [`unix:${path}`])
  assert.equal(statSync(path).mode & 0o777, 0o660)
  for (let i = 0; i < 20; i++) assert.equal(await statusAt(path), 200)
  const [record] = await postern.waitForRecords(20)
  assert.equal(record!['client'], 'unix')
  await postern.stop()
  assert.equal(existsSync(path), false)
  await folder.remove()
})

test('a Unix socket that a crash has left is taken, one that is answered is not', async (t) => {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  const yaml = configuration('[{ address: unix:p.sock }]')
  const path = join(folder.path, 'p.sock')
  const crashed = await startPostern(yaml, { folder: folder.path })
  await crashed.kill()
  assert.equal(existsSync(path), true)
  const next = await startPostern(yaml, { folder: folder.path })
  assert.equal(await statusAt(path), 200)
  await next.stop()

  const stranger = createServer().listen(path)
  await once(stranger, 'listening')
  await assert.rejects(startPostern(yaml, { folder: folder.path }), /p\.sock is taken by another process/)
  await new Promise((resolve) => stranger.close(resolve))
})
