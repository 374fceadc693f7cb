/** Tests of what is said about configuration files: check, and explain without a server. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { tempFolder } from '../../test/support/temp.ts'
import { cli } from './test-host.ts'

const folder = await tempFolder()
after(() => folder.remove())

async function file(name: string, text: string): Promise<string> {
  const path = join(folder.path, name)
  await writeFile(path, text)
  return path
}

const SHOP = fileURLToPath(new URL('../../examples/shop/', import.meta.url))
const GOOD = `
services: { cart: http://127.0.0.1:9002 }
routes:
  cart: { match: { path: /cart/*, methods: [GET] }, policies: [request-id], proxy: cart }
  rest: { match: /*, reply: { status: 404 } }
`

test('a good file is summed up in one line', async () => {
  const path = await file('good.yaml', GOOD)
  const said = await cli(['check', path])
  assert.deepEqual(said, { code: 0, out: `${path} is good: 2 routes, 1 service, 0 sources\n`, err: '' })
  const json: unknown = JSON.parse((await cli(['check', path, '--json'])).out)
  assert.deepEqual(json, { ok: true, faults: [], warnings: [] })
})

test('a bad file is shown line by line, with what was meant', async () => {
  const path = await file('bad.yaml', GOOD.replace('proxy: cart', 'prox: cart'))
  const { code, out, err } = await cli(['check', path])
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.match(err, /bad\.yaml:4:\d+: error: unknown key `prox`/)
  assert.match(err, /did you mean `proxy`\?/)
  assert.match(err, /error: \S+bad\.yaml has \d faults?\n$/)

  const inJson = await cli(['check', path, '--json'])
  assert.equal(inJson.code, 1)
  const { ok, faults } = JSON.parse(inJson.out)
  assert.equal(ok, false)
  assert.equal(faults[0].line, 4)
})

test('what is only found by compiling is found as well', async () => {
  const path = await file(
    'secret.yaml',
    `${GOOD}\nsources: { other: { provider: standard-webhooks, secrets: ['no base64!'] } }\n`,
  )
  const { code, err } = await cli(['check', path])
  assert.equal(code, 1)
  assert.match(err, /secret/)
  assert.doesNotMatch(err, /no base64!|\n +at /)
})

test('a file that is not there, or is a folder', async () => {
  assert.match((await cli(['check', join(folder.path, 'none.yaml')])).err, /there is no file \S+none\.yaml/)
  assert.match((await cli(['run', join(folder.path, 'none.yaml')])).err, /there is no file/)
  assert.match((await cli(['token', folder.path])).err, /is a folder/)
})

test('the example shop is good with its example variables, and says which it lacks without', async () => {
  const env = parseEnv(await readFile(join(SHOP, 'shop.env'), 'utf8'))
  const good = await cli(['check', join(SHOP, 'postern.yaml')], { env })
  assert.equal(good.err, '')
  assert.match(good.out, /is good: 5 routes, 5 services, 2 sources/)
  const bare = await cli(['check', join(SHOP, 'postern.yaml')])
  assert.equal(bare.code, 1)
  for (const name of Object.keys(env)) assert.match(bare.err, new RegExp(`variable ${name} is not set`))
})

test('explain --config needs no server', async () => {
  const path = await file('good.yaml', GOOD)
  const { code, out } = await cli(['explain', '--config', path, 'get', '/cart/7'])
  assert.equal(code, 0)
  assert.match(out, /^GET localhost\/cart\/7 → cart\n/)
  assert.match(out, /1\. {2}request-id {2}observe {2}route/)
  assert.match(out, /Then: proxy cart/)
  assert.match(out, /rest +it matches, but less specifically/)
  const json = JSON.parse((await cli(['explain', '--config', path, 'GET', 'http://shop.example/', '--json'])).out)
  assert.equal(json.route, 'rest')
  assert.match((await cli(['explain', '--config', path, 'GET', 'nonsense'])).err, /nonsense is no URL/)
})
