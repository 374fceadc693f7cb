/** docs/signing.md, executed: its commands in a shell against a running Postern, its code on what then arrives. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { HTTP } from 'cloudevents'
import { parseConfig } from '../../src/config/load.ts'
import { startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'
import { Admin } from './support/admin.ts'
import { Partners } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/signing.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(({ 1: text }) => text!)

const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8] }
${blocks('yaml')[0]!}
`)
const admin = await Admin.of(postern)
const receiver = await Receiver.start()
const partners = new Partners(admin, receiver)
const folder = await tempFolder()
after(async () => {
  await receiver.close()
  await postern.stop()
  await folder.remove()
})

for (const yaml of blocks('yaml'))
  test(`the example is taken: ${yaml.split('\n')[0]!}`, () => {
    const env = { POSTERN_KEY: Buffer.alloc(32, 7).toString('base64') }
    const result = parseConfig(yaml, { env, baseDir: folder.path, policies: [], providers: [], cpus: 1 })
    assert.deepEqual(result.ok ? result.warnings : result.faults, [])
  })

test('its commands do what it says, and its code verifies what then arrives', async () => {
  const { name, inbox, endpointId, secret } = await partners.next()
  const script = ['set -e', ...blocks('sh').map((text) => text.replaceAll('curl ', 'curl --fail-with-body '))].join(
    '\n',
  )
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    env: {
      ...process.env,
      ADMIN: postern.admin,
      GATEWAY: postern.gateway[0]!,
      CONSUMER: name,
      ENDPOINT: endpointId,
      TOKEN: admin.token,
    },
  })
  const answers = stdout
    .replaceAll('}{', '}\n{')
    .split('\n')
    .map((line) => JSON.parse(line))
  const [, made, published] = answers
  assert.match(made.publicKeys[0], /^whpk_/)
  assert.equal(published.keys.length, 1)
  assert.equal(published.keys[0].x, Buffer.from(made.publicKeys[0].slice(5), 'base64').toString('base64url'))
  assert.ok(published.retries.delays_seconds.length > 0)

  await partners.publish(name, { order: { total: 100, country: 'fr' } })
  await admin.settled(await partners.publish(name, { order: { total: 100, country: 'at' } }), 'delivered')
  assert.equal(inbox.taken.length, 1)
  const [request] = inbox.taken
  assert.equal(request!.headers['authorization'], 'Bearer a-token')
  for (const header of ['webhook-signature', 'svix-signature', 'stripe-signature']) assert.ok(request!.headers[header])

  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'))
  const body = request!.body.toString()
  const sent = [secret, request!.headers, body].map((one) => JSON.stringify(one)).join(', ')
  const file = join(folder.path, 'receive.mjs')
  await writeFile(file, `${blocks('js')[0]!}\nconsole.log(JSON.stringify(receive(${sent})))\n`)
  const received = await promisify(execFile)(process.execPath, [file])
  assert.deepEqual(JSON.parse(received.stdout).data, { order: { total: 100, country: 'at' } })
  const event = HTTP.toEvent({ headers: { 'content-type': String(request!.headers['content-type']) }, body })
  assert.ok(!Array.isArray(event) && event.type === 'order.paid')
})
