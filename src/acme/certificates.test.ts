/** certificates: ordered from a real CA (Pebble) into a real store, with time held in hand. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import { Pebble, type PebbleOptions, freePorts } from '../../test/support/pebble.ts'
import { HeldClock } from '../../test/support/policy.ts'
import { tempFolder } from '../../test/support/temp.ts'
import type { ListenerSpec } from '../model/gateway.ts'
import type { AcmeSpec } from '../model/tls.ts'
import { openSqliteStore } from '../store/sqlite/open.ts'
import { Signal } from '../selftest/signal.ts'
import { Certificates } from './certificates.ts'

const DAY_MS = 86_400_000

/** A CA, a store, and what answers for every name; `process` is another gateway on that store. */
async function world(t: TestContext, options: PebbleOptions = {}) {
  const [httpPort] = await freePorts(1)
  const ca = await Pebble.make({ httpPort: httpPort!, ...options })
  const folder = await tempFolder()
  const host = await openSqliteStore(join(folder.path, 'postern.db'))
  const clock = new HeldClock()
  clock.advance(Date.now() - clock.now())
  const tokens = new Map<string, string>()
  const signal = new Signal()
  const state = { answers: true, asked: 0 }
  const site = createServer((request, response) => {
    state.asked++
    signal.changed()
    if (state.answers) response.end(tokens.get(request.url!.split('/').at(-1)!) ?? 'nothing')
  }).listen(httpPort, '127.0.0.1')
  await once(site, 'listening')
  const all: Certificates[] = []
  t.after(async () => {
    await Promise.all(all.map((one) => one.stop()))
    site.closeAllConnections()
    site.close()
    await host.close()
    await ca.close()
    await folder.remove()
  })

  const spec: AcmeSpec = {
    directory: ca.directory,
    email: 'ops@shop.example',
    ca: await readText(ca.caFile),
    challenge: 'http-01',
    renewBeforeMs: 30 * DAY_MS,
    account: null,
  }
  const process = async (names: readonly string[], changes: Partial<AcmeSpec> = {}) => {
    const said: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = []
    const log = (fields: object, message: string) => void said.push({ message, fields: { ...fields } })
    let changed = 0
    const certificates = new Certificates({
      store: host.client(),
      clock,
      log: { info: log, warn: log, error: log },
      random: () => 0,
      holder: `process-${all.length}`,
      show: async (answers) => {
        tokens.clear()
        for (const [token, text] of Object.entries(answers.tokens)) tokens.set(token, text)
      },
      changed: async () => void changed++,
    })
    all.push(certificates)
    await certificates.update({ ...spec, ...changes }, listeners(names))
    const chain = (name: string) =>
      certificates.complete(listeners(names))[0]!.tls!.certificates.find(({ hosts }) => hosts.includes(name))?.chain
    return { certificates, said, chain, changes: () => changed }
  }
  return { ca, clock, process, signal, spec, state, host, store: host.client() }
}

function listeners(ordered: readonly string[]): readonly ListenerSpec[] {
  const timeouts = { headMs: 1, bodyIdleMs: 1, keepAliveMs: 1, rateMin: { bytesPerSecond: 0, windowMs: 0 } }
  const caps = { backlog: 1, connectionsMax: 0, connectionsPerClientMax: 0, proxyProtocol: null }
  const tls = {
    certificates: [],
    ordered,
    strictSni: false,
    minVersion: 'TLSv1.2',
    ciphers: '',
    protocols: [],
    handshakeMs: 1,
    clients: null,
  } as const
  return [{ host: '127.0.0.1', port: 0, dualStack: false, timeouts, tls, ...caps }]
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(path, 'utf8')
}

const NAME = 'shop.example'

describe('a certificate', () => {
  test('is renewed in time; an order that fails takes nothing away', async (t) => {
    const { ca, clock, process } = await world(t)
    const { certificates, said, chain, changes } = await process([NAME])
    await certificates.attend()
    const first = chain(NAME)
    assert.ok(first)
    assert.equal(changes(), 1)
    const ends = certificates.metrics.expiresAt[NAME]!

    clock.advance(ends - 30 * DAY_MS - clock.now() - 1)
    await certificates.attend()
    assert.equal(chain(NAME), first, 'not before it is time')

    await ca.down()
    clock.advance(1)
    await certificates.attend()
    assert.equal(chain(NAME), first)
    assert.match(said.at(-1)!.message, /goes on/)
    assert.match(String(said.at(-1)!.fields['reason']), /ECONNREFUSED/)
    assert.deepEqual(certificates.metrics.failed, { [NAME]: 1 })

    await ca.up() // and it has forgotten who we are
    await certificates.attend()
    assert.equal(chain(NAME), first, 'it is given a moment')
    clock.advance(5_000)
    await certificates.attend()
    assert.notEqual(chain(NAME), first)
    assert.deepEqual(certificates.metrics.issued, { [NAME]: 2 })
  })

  test('that is refused is said in the CA’s words, is asked for again later, and holds up no other', async (t) => {
    const { clock, process, state } = await world(t, { refused: ['bad.example'] })
    const { certificates, said, chain } = await process(['bad.example', NAME])
    await certificates.attend()
    assert.ok(chain(NAME))
    const refused = said.find(({ fields }) => fields['name'] === 'bad.example')!
    assert.equal(refused.message, 'no certificate yet')
    assert.equal(refused.fields['type'], 'urn:ietf:params:acme:error:rejectedIdentifier')
    assert.match(String(refused.fields['reason']), /bad\.example/)
    clock.advance(59_999)
    await certificates.attend()
    assert.equal(certificates.metrics.failed['bad.example'], 1)
    clock.advance(1)
    await certificates.attend()
    assert.equal(certificates.metrics.failed['bad.example'], 2)
    assert.ok(state.asked > 0)
  })

  test('whose name is shown not to be ours is refused as well', async (t) => {
    const { process } = await world(t, { httpPort: 1 })
    const { certificates, said } = await process([NAME])
    await certificates.attend()
    assert.match(String(said.at(-1)!.fields['type']), /urn:ietf:params:acme:error:(connection|unauthorized)/)
  })

  test('can be from a CA that wants to know whose account it is', async (t) => {
    const key = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W'
    const { process } = await world(t, { account: { kid: 'kid-1', key }, nonceReject: 30 })
    const without = await process([NAME])
    await without.certificates.attend()
    assert.match(String(without.said.at(-1)!.fields['type']), /externalAccountRequired/)
    const bound = await process([NAME], { account: { keyId: 'kid-1', macKey: key } })
    await bound.certificates.attend()
    assert.ok(bound.chain(NAME))
  })
})

test('a store that does not answer holds up no configuration', async (t) => {
  const { clock, process, spec, host } = await world(t)
  const { certificates, said } = await process([])
  await host.close()
  await certificates.update(spec, listeners([NAME]))
  assert.deepEqual(
    said.map(({ message, fields }) => [message, fields['reason']]),
    [['no certificate yet', 'The connection to the store has ended.']],
  )
  clock.advance(60_000)
  await certificates.attend()
  assert.equal(said.length, 2, 'and is asked again')
})

describe('processes on one store', () => {
  test('do not order the same twice: the others take what one has got', async (t) => {
    const { clock, process } = await world(t)
    const both = [await process([NAME]), await process([NAME])]
    await Promise.all(both.map(({ certificates }) => certificates.attend()))
    clock.advance(5_000)
    await Promise.all(both.map(({ certificates }) => certificates.attend()))
    const issued = both.map(({ certificates }) => certificates.metrics.issued[NAME] ?? 0)
    assert.equal(issued[0]! + issued[1]!, 1)
    assert.ok(both[0]!.chain(NAME))
    assert.equal(both[0]!.chain(NAME), both[1]!.chain(NAME))
    assert.deepEqual(
      both.map(({ changes }) => changes()),
      [1, 1],
    )
    const third = await process([NAME])
    assert.equal(third.chain(NAME), both[0]!.chain(NAME), 'known at once to who starts later')
  })

  test('wait for one that died in an order, but not for long', async (t) => {
    const { ca, clock, process, store } = await world(t)
    await store.takeLease(`order ${ca.directory} ${NAME}`, 'dead', clock.now(), clock.now() + 15_000)
    const { certificates, chain } = await process([NAME])
    await certificates.attend()
    clock.advance(14_999)
    await certificates.attend()
    assert.equal(chain(NAME), undefined)
    clock.advance(5_000)
    await certificates.attend()
    assert.ok(chain(NAME))
  })

  test('that stop leave off, and others go on at once', async (t) => {
    const { process, signal, state } = await world(t)
    state.answers = false
    const one = await process([NAME])
    const attended = one.certificates.attend()
    await signal.until(
      () => state.asked > 0 || undefined,
      () => 'that the CA has looked',
    )
    await one.certificates.stop()
    await attended
    assert.deepEqual(one.said, [])
    state.answers = true
    const other = await process([NAME])
    await other.certificates.attend()
    assert.ok(other.chain(NAME))
  })
})
