/** Tests of the command line as a whole: help, versions, words that are none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli } from './test-host.ts'

const VERBS = [
  'demo',
  'run',
  'check',
  'explain',
  'token',
  'send',
  'tail',
  'policies',
  'providers',
  'selftest',
  'completion',
]

test('help names every verb', async () => {
  const { code, out } = await cli(['--help'])
  assert.equal(code, 0)
  for (const verb of VERBS) assert.match(out, new RegExp(`^ +${verb} {2,}\\w`, 'm'))
})

for (const verb of VERBS) {
  test(`the help of ${verb} has an example`, async () => {
    const { code, out } = await cli([verb, '--help'])
    assert.equal(code, 0)
    assert.match(out, new RegExp(`Examples?:\\n.*postern ${verb}`))
  })
}

test('without a verb the help goes to standard error', async () => {
  const { code, out, err } = await cli([])
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.match(err, /Usage: postern/)
})

test('a verb that is nearly one is recognised', async () => {
  const { code, err } = await cli(['chekc'])
  assert.equal(code, 1)
  assert.match(err, /Did you mean check\?/)
})

test('the version is one line', async () => {
  assert.deepEqual(await cli(['--version']), { code: 0, out: '1.2.3\n', err: '' })
})

test('nothing is coloured unless it is wanted', async () => {
  const isColoured = async (env: Record<string, string>) => (await cli(['providers'], { env })).out.includes('\u001b[')
  assert.equal(await isColoured({}), false)
  assert.equal(await isColoured({ FORCE_COLOR: '1' }), true)
  assert.equal(await isColoured({ FORCE_COLOR: '1', NO_COLOR: '1' }), false)
})

test('policies and providers are listed for people and for programs', async () => {
  assert.match((await cli(['policies'])).out, /^rate-limit {2}limit\n {2}limit {2,}needed/m)
  const policies: unknown = JSON.parse((await cli(['policies', '--json'])).out)
  assert.ok(Array.isArray(policies))
  assert.deepEqual(Object.keys(policies[0]), ['name', 'stage', 'config'])

  assert.match((await cli(['providers'])).out, /^stripe +hmac-sha256 +<timestamp>\.<body> +stripe-signature$/m)
  const providers: unknown = JSON.parse((await cli(['providers', '--json'])).out)
  assert.ok(Array.isArray(providers) && providers.some((one) => one.id === 'github'))
})

test('a port that is none is refused before anything starts', async () => {
  const { code, err } = await cli(['demo', '--port', '70000'])
  assert.equal(code, 1)
  assert.match(err, /must be a number from 0 to 65535/)
})
