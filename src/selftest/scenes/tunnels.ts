/** Scenes of upgrades: no first byte lost, refusals are ordinary answers, each half ends by itself (RFC 9110 §7.8, RFC 6455 §4). */
import { crlf } from '../notation.ts'
import type { RawClient } from '../raw-client.ts'
import type { RecordedConnection } from '../recording-upstream.ts'
import { Fault, NotApplicable, type Stage } from '../stage.ts'
import { type Scene, answerOf, headOf, insist, upstreamOf } from './scene.ts'

const ACCEPT = crlf(
  'HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=⏎⏎',
)

function shake(stage: Stage, connection = 'Upgrade'): string {
  return headOf(
    stage,
    'GET',
    '/chat',
    'Upgrade: websocket',
    `Connection: ${connection}`,
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  )
}

interface Tunnel {
  readonly client: RawClient
  readonly upstream: RecordedConnection
}

/** Opens a tunnel. `early` goes out in the packet of the client's head, `greeting` in that of the upstream's 101. */
async function openTunnel(stage: Stage, early = '', greeting = '', connection = 'Upgrade'): Promise<Tunnel> {
  upstreamOf(stage).script = { tunnel: true, answer: ACCEPT + greeting }
  const client = await stage.connect()
  await stage.send(client, shake(stage, connection) + early)
  await stage.until(() => client.received.includes('\r\n\r\n') || client.over !== 'no')
  const [request] = stage.requests
  if (!client.received.startsWith('HTTP/1.1 101 ') || request === undefined)
    throw new NotApplicable('it opens no tunnel for WebSocket here')
  return { client, upstream: request.connection }
}

const inside = (client: RawClient): string => client.received.slice(client.received.indexOf('\r\n\r\n') + 4)

export const tunnels: readonly Scene[] = [
  {
    id: 'S5',
    name: 'bytes in the packet of the 101 are not lost',
    source: 'RFC 9110 §7.8',
    async play(stage) {
      const { client } = await openTunnel(stage, '', 'hello', 'keep-alive, Upgrade')
      await insist(stage, () => inside(client) === 'hello', 'the first bytes did not come')
    },
  },
  {
    id: 'S5',
    name: 'bytes in the packet of the request are not lost',
    source: 'RFC 9110 §7.8',
    async play(stage) {
      const early = 'GET /early HTTP/1.1\r\n\r\n'
      const { upstream } = await openTunnel(stage, early)
      await insist(stage, () => upstream.partial === early, 'the first bytes did not go upstream')
    },
  },
  {
    id: 'S5',
    name: 'a half that ends leaves the other half open',
    source: 'RFC 9293 §3.6',
    async play(stage) {
      const { client, upstream } = await openTunnel(stage)
      await stage.send(client, 'last')
      client.end()
      await insist(stage, () => upstream.partial === 'last' && upstream.over === 'end', 'the end did not go upstream')
      upstream.socket.end('late')
      await insist(stage, () => inside(client) === 'late' && client.over === 'end', 'what came after it was lost')
    },
  },
  {
    id: 'S5',
    name: 'an upstream that breaks off right after 101',
    source: 'RFC 9110 §7.8',
    async play(stage) {
      const { client, upstream } = await openTunnel(stage)
      upstream.socket.resetAndDestroy()
      await insist(stage, () => client.over !== 'no', 'the client was left waiting')
    },
  },
  ...[200, 403].map((status) => ({
    id: 'S5',
    name: `a handshake that is refused with ${status} is an ordinary answer`,
    source: 'RFC 9110 §7.8',
    async play(stage: Stage) {
      upstreamOf(stage).script = { answer: crlf(`HTTP/1.1 ${status} No⏎Content-Length: 2⏎⏎no`) }
      const client = await stage.connect()
      await stage.send(client, shake(stage))
      const answer = await answerOf(stage, client)
      if (answer.status !== status || answer.body.toString() !== 'no')
        throw new Fault(`it was answered ${answer.status}`)
      if (client.over !== 'no') return
      await stage.send(client, headOf(stage, 'GET', '/next'))
      await answerOf(stage, client, 'GET', 1)
    },
  })),
  {
    id: 'S5',
    name: '101 to another protocol than was asked for is no tunnel',
    source: 'RFC 9110 §15.2.2',
    async play(stage) {
      upstreamOf(stage).script = { tunnel: true, answer: ACCEPT.replace('websocket', 'h2c') }
      const client = await stage.connect()
      await stage.send(client, shake(stage))
      await stage.until(() => client.received.includes('\r\n\r\n') || client.over !== 'no')
      if (client.received.startsWith('HTTP/1.1 101 ')) throw new Fault('the client was told to switch')
    },
  },
] satisfies readonly Scene[]
