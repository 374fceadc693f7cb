/** The selftest from end to end: a Postern passes it, a server that can be fooled does not, whoever starts it is told what to do. */
import assert from 'node:assert/strict'
import { type Socket, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { cli } from '../../src/cli/test-host.ts'
import { TestAuthority } from '../support/certificates.ts'
import { startPostern } from '../support/postern.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly verdict: string
  readonly why: string | null
  readonly evidence: { readonly sent: string; readonly upstream: readonly string[] | null } | null
}

interface Report {
  readonly ok: boolean
  readonly rows: readonly Row[]
  readonly attack: {
    readonly attacks: number
    readonly controls: number
    readonly findings: readonly unknown[]
    readonly faults: readonly string[]
  } | null
}

async function listening(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function report(...args: string[]): Promise<{ code: number; err: string; json: Report }> {
  const { code, out, err } = await cli(['selftest', ...args, '--json'], { env: process.env })
  return { code, err, json: JSON.parse(out) }
}

const failed = ({ rows }: Report): string[] =>
  rows.filter(({ verdict }) => verdict === 'fail').map(({ id, name, why }) => `${id} ${name}: ${why}`)

test('a Postern of its own passes every row, and an attack at random', { timeout: 180_000 }, async () => {
  const { code, err, json } = await report('--minutes', '0.1', '--seed', '20260101')
  assert.deepEqual(failed(json), [])
  assert.deepEqual(json.attack?.findings, [])
  assert.deepEqual(json.attack.faults, [])
  assert.deepEqual({ code, err, ok: json.ok }, { code: 0, err: '', ok: true })
  assert.ok(json.rows.length > 350)
  assert.ok(json.attack.attacks > 32 && json.attack.controls > 32, JSON.stringify(json.attack))
})

test('a gateway by its URL, with and without a watched upstream', { timeout: 120_000 }, async (t) => {
  const port = await freePort()
  const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
access-log: off
egress: { allow: [127.0.0.0/8] }
services: { recorder: http://127.0.0.1:${port} }
routes: { all: { match: { path: /below/* }, proxy: recorder } }
`)
  t.after(() => postern.stop())
  const url = `${postern.gateway[0]}/below/`
  const watched = await report(url, '--upstream', `127.0.0.1:${port}`, '--only', 'F1,F14,P1,S5')
  assert.deepEqual([watched.code, watched.err, failed(watched.json)], [0, '', []])
  assert.ok(watched.json.rows.every(({ verdict }) => verdict === 'pass'))

  const alone = await report(url, '--only', 'F1,F14')
  assert.deepEqual([alone.code, failed(alone.json)], [0, []])
  const verdicts = new Set(alone.json.rows.map(({ id, verdict }) => `${id} ${verdict}`))
  assert.deepEqual(verdicts, new Set(['F1 pass', 'F14 not applicable']))

  const astray = await cli(['selftest', postern.gateway[0]!, '--upstream', `127.0.0.1:${port}`])
  assert.equal(astray.code, 1)
  assert.match(astray.err, /does not lead to the upstream: it answered 404; point a route for \S+ at 127\.0\.0\.1:\d+/)
})

test('a gateway behind TLS, on both protocols', { timeout: 120_000 }, async (t) => {
  const port = await freePort()
  const authority = await TestAuthority.make()
  const { chainFile, keyFile } = authority.issue('gateway', '/CN=gateway', ['IP:127.0.0.1'])
  const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0, tls: { certificates: [{ cert: ${chainFile}, key: ${keyFile} }] } }]
admin: { address: 127.0.0.1:0 }
threads: 1
access-log: off
egress: { allow: [127.0.0.0/8] }
services: { recorder: http://127.0.0.1:${port} }
routes: { all: { match: { path: /below/* }, body-max: 0, proxy: recorder } }
`)
  t.after(async () => {
    await postern.stop()
    await authority.remove()
  })
  const url = `${postern.gateway[0]}/below/`
  assert.match(url, /^https:/)
  const { code, err, json } = await report(url, '--upstream', `127.0.0.1:${port}`, '--only', 'F1,F16,P2,S5,S10')
  assert.deepEqual([code, err, failed(json)], [0, '', []])
  const passed = new Set(json.rows.flatMap(({ id, verdict }) => (verdict === 'pass' ? [id] : [])))
  assert.deepEqual([...passed].toSorted(), ['F1', 'F16', 'P2', 'S10', 'S5'])
  assert.ok(
    json.rows.every(({ verdict }) => verdict === 'pass'),
    'no row is left out',
  )
})

test(
  'a server without HTTP/2: those rows do not apply, and the report says why once',
  { timeout: 60_000 },
  async (t) => {
    const old = await listening(t, (socket) => {
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'))
    })
    const { code, out } = await cli(['selftest', `http://127.0.0.1:${old}/`, '--only', 'F16,S10'])
    assert.equal(code, 0, out)
    assert.equal(
      out.match(/^– \d+ rows of F16, S10: it speaks no HTTP\/2 in clear with prior knowledge$/gm)?.length,
      1,
      out,
    )
    assert.doesNotMatch(out, /✗/)
  },
)

test(
  'a gateway that passes everything on is found out: what it was sent beside what its upstream saw',
  { timeout: 120_000 },
  async (t) => {
    const port = await freePort()
    const pipe = await listening(t, (socket) => {
      const up = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      up.on('error', () => socket.destroy())
      socket.on('error', () => up.destroy())
      socket.pipe(up).pipe(socket)
    })
    const { code, err, json } = await report(
      `http://127.0.0.1:${pipe}/`,
      '--upstream',
      `127.0.0.1:${port}`,
      '--only',
      'F1,F2,P3',
    )
    assert.equal(code, 1)
    assert.match(err, /error: \d+ rows of \d+ failed/)
    for (const id of ['F1', 'F2', 'P3'])
      assert.ok(
        failed(json).some((row) => row.startsWith(`${id} `)),
        id,
      )
    const both = json.rows.find(({ name }) => name === 'a length, then a coding')
    assert.match(both?.why ?? '', /an upstream saw what is no request/)
    assert.match(both?.evidence?.sent ?? '', /Content-Length: 5\r\nTransfer-Encoding: chunked/)
    assert.match(both?.evidence?.upstream?.join('') ?? '', /Content-Length: 5\r\nTransfer-Encoding: chunked/)
  },
)

test(
  'a server that reads a body as a second request is found out by its client alone',
  { timeout: 60_000 },
  async (t) => {
    // It knows no Transfer-Encoding, and answers whatever looks like the end of a head.
    const naive = await listening(t, (socket) => {
      let text = ''
      socket.setEncoding('latin1').on('data', (more: string) => {
        text += more
        for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
          text = text.slice(end + 4)
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        }
      })
      socket.on('end', () => socket.end())
    })
    const { code, json } = await report(`http://127.0.0.1:${naive}/`, '--only', 'F3,F8')
    assert.equal(code, 1)
    const found = failed(json)
    assert.ok(found.some((row) => row.startsWith('F3 ')))
    assert.ok(
      found.some((row) => row.includes('a body that looks like a request')),
      found.join('\n'),
    )
  },
)

test(
  'an attack finds out a gateway that mixes up its answers, and says how to repeat it',
  { timeout: 120_000 },
  async (t) => {
    const port = await freePort()
    // Now and then somebody is given the answer before.
    let before = ''
    let count = 0
    const mixing = await listening(t, (socket) => {
      const up = connect({ port, host: '127.0.0.1' })
      up.on('error', () => socket.destroy())
      socket.on('error', () => up.destroy())
      socket.on('data', (bytes) => void up.write(bytes))
      socket.on('close', () => up.destroy())
      up.setEncoding('latin1').on('data', (answer: string) => {
        const given = ++count % 20 === 0 && before !== '' ? before : answer
        before = answer
        socket.write(given, 'latin1')
      })
      up.on('end', () => socket.end())
    })
    const said = await cli([
      'selftest',
      `http://127.0.0.1:${mixing}/`,
      '--upstream',
      `127.0.0.1:${port}`,
      '--only',
      'S4',
      '--minutes',
      '0.05',
      '--seed',
      '7',
    ])
    assert.equal(said.code, 1)
    assert.match(said.out, /✗ a good request was given an answer that is not its own {2}--seed 7\n/)
    // Which of the attacks meets a mixed answer first is chance; that one of them is named to be repeated is not.
    assert.match(said.out, / {2}--seed 7:\d+\n/)
    assert.match(said.out, /attacks with seed 7/)
  },
)

test('what cannot be done is said before anything is sent', async () => {
  const wrong = async (...args: string[]) => (await cli(['selftest', ...args])).err
  assert.match(await wrong('ftp://x/'), /ftp:\/\/x\/ is no URL/)
  assert.match(await wrong('--upstream', '127.0.0.1:1'), /--upstream needs the URL of the gateway/)
  assert.match(await wrong('http://127.0.0.1:1/', '--upstream', 'nowhere'), /--upstream must be an address and a port/)
  assert.match(await wrong('http://127.0.0.1:1/', '--only', 'Q'), /Tables are F \(framing\), P/)
  assert.match(await wrong('http://127.0.0.1:1/', '--only', 'F'), /http:\/\/127\.0\.0\.1:1\/ cannot be tested: /)
  assert.match(await wrong('http://127.0.0.1:1/', '--minutes', '1'), /--minutes needs --upstream/)
  assert.match(await wrong('--minutes', 'x'), /It must be a number of minutes/)
})
