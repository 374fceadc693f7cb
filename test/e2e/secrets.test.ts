/** Secrets of the running product: in no file of it, no log line and no refusal; another key takes over, and a lost one is said at the start. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Running, startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'
import { Admin } from './support/admin.ts'
import { Partners, verified } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const YAML = `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
store: sqlite:store/postern.db
egress: { allow: [127.0.0.0/8] }
`

test('a secret is on no disk, in no log and in no refusal; another key takes over; a lost one stops the start', async (t) => {
  const folder = await tempFolder()
  const receiver = await Receiver.start()
  const started: Running[] = []
  const start = async (env: Readonly<Record<string, string>> = {}): Promise<Running> => {
    const running = await startPostern(YAML, { folder: folder.path, env })
    started.push(running)
    return running
  }
  t.after(async () => {
    for (const one of started) await one.discard()
    await receiver.close()
    await folder.remove()
  })
  const store = join(folder.path, 'store')
  const filesHold = async (canaries: readonly string[]): Promise<string[]> => {
    const files = (await readdir(store, { withFileTypes: true })).filter((one) => one.isFile())
    const texts = await Promise.all(files.map(({ name }) => readFile(join(store, name), 'latin1')))
    return canaries.filter((canary) => texts.some((text) => text.includes(canary)))
  }

  const first = await start()
  const admin = await Admin.of(first)
  const partners = new Partners(admin, receiver)
  const given = randomBytes(24).toString('base64')
  const password = `canary-${randomBytes(12).toString('hex')}`
  const partner = await partners.next({ secret: `whsec_${given}`, headers: { 'X-Password': password } })
  await admin.svix.endpoint.rotateSecret(partner.name, partner.endpointId)
  const { key: made } = await admin.svix.endpoint.getSecret(partner.name, partner.endpointId)
  const canaries = [given, made.slice('whsec_'.length), password, admin.token]

  const id = await partners.publish(partner.name)
  await admin.settled(id, 'delivered')
  assert.equal(partner.inbox.taken[0]!.headers['x-password'], password)
  const refusals = await Promise.all(
    [
      { url: partner.inbox.url, secret: `whsec_${given}!`, headers: { 'X-Password': `${password}\n` } },
      { url: 'http://10.0.0.1/', secret: `whsec_${given}`, headers: { 'X-Password': password } },
    ].map(async (body) => {
      const answer = await admin.fetch(`/api/v1/app/${partner.name}/endpoint`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
      assert.equal(answer.status, 422)
      return answer.text()
    }),
  )
  const said = [JSON.stringify(first.lines), first.stderr, ...refusals].join('\n')
  assert.deepEqual(await filesHold(canaries), [])
  assert.deepEqual(
    canaries.filter((canary) => said.includes(canary)),
    [],
  )
  await first.stop()
  assert.deepEqual(await filesHold(canaries), [])

  const rotate = await promisify(execFile)(process.execPath, [
    MAIN,
    'secrets',
    'rotate',
    join(folder.path, 'postern.yaml'),
  ])
  const [, name] = /^The key ([0-9a-f]{8}) /.exec(rotate.stdout)!
  const second = await start()
  const again = admin.at(second)
  await second.waitForLine((line) => Number(line['resealed']) > 0, 'secrets are sealed anew')
  await again.svix.message.create(partner.name, { eventType: 'order.paid', payload: {} })
  verified(made, (await partner.inbox.until(2))[1]!)
  await second.stop()
  const texts = await readFile(join(store, 'postern.db'), 'latin1')
  assert.deepEqual([...new Set(texts.match(/sealed:1:[0-9a-f]{8}/g))], [`sealed:1:${name}`])

  await rename(join(store, 'postern.db.key'), join(folder.path, 'key'))
  const before = await readFile(join(store, 'postern.db'))
  await assert.rejects(start(), /sealed with the key .* is not there; nothing was changed/)
  assert.ok(before.equals(await readFile(join(store, 'postern.db'))))
  const [key] = (await readFile(join(folder.path, 'key'), 'utf8')).split('\n')
  const third = await start({ POSTERN_MASTER_KEY: key! })
  assert.equal((await admin.at(third).svix.endpoint.getSecret(partner.name, partner.endpointId)).key, made)
  await third.stop()
})
