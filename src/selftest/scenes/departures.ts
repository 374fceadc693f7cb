/** Scenes of somebody who leaves, or is slow: what he leaves behind ends too, and nobody's request is made twice (RFC 9110 §9.2.2). */
import { answersTo } from '../answers-read.ts'
import { crlf } from '../notation.ts'
import { Fault, type Stage } from '../stage.ts'
import { type Scene, answerOf, arrival, headOf, insist, upstreamOf } from './scene.ts'

const FLOOD_BYTES = 256_000_000
const PIECE = Buffer.alloc(1_000_000)
/** So long nothing moves before a flood counts as held back. */
const STILL_MS = 300

/** A kept connection that dies under its second request, as one does that was closed while it was idle. */
async function onDyingConnection(stage: Stage, request: string, method: string): Promise<number> {
  const upstream = upstreamOf(stage)
  upstream.script = {
    answer: (socket, nth) =>
      nth === 0 ? socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok')) : socket.resetAndDestroy(),
  }
  const first = await stage.connect()
  await stage.send(first, headOf(stage, 'GET', '/first'))
  await answerOf(stage, first)
  const before = stage.requests.length
  await stage.send(first, request)
  // It may also say nothing and close.
  await stage.until(() => first.over !== 'no' || answersTo(first, ['GET', method]).whole.length > 1)
  return stage.requests.length - before
}

async function leaves(stage: Stage, send: string, answer: string, heard: string): Promise<void> {
  upstreamOf(stage).script = { on: 'head', answer: answer === '' ? () => {} : crlf(answer) }
  const client = await stage.connect()
  await stage.send(client, send)
  const connection = await arrivalOfHead(stage)
  await insist(stage, () => client.received.includes(heard), 'the answer did not begin')
  client.close()
  await insist(stage, () => connection.over !== 'no', 'the upstream goes on working for nobody')
}

async function arrivalOfHead(stage: Stage) {
  await stage.until(() => upstreamOf(stage).open.some(({ headSeen, last }) => headSeen || last !== null))
  return arrival(stage)
}

export const departures: readonly Scene[] = [
  {
    id: 'S6',
    name: 'a client leaves while it waits for the answer',
    source: 'RFC 9110 §9.2.2',
    play: (stage) => leaves(stage, headOf(stage, 'GET', '/a'), '', ''),
  },
  {
    id: 'S6',
    name: 'a client leaves within an answer',
    source: 'RFC 9112 §9.6',
    play: (stage) =>
      leaves(stage, headOf(stage, 'GET', '/a'), 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎', 'hello'),
  },
  {
    id: 'S6',
    name: 'a client leaves within an upload: the upstream is not told that it was whole',
    source: 'RFC 9112 §8',
    async play(stage) {
      upstreamOf(stage).script = { answer: () => {} }
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'POST', '/a', 'Transfer-Encoding: chunked') + '5\r\nhello\r\n')
      // A gateway that gathers a body before it sends it on has nothing to end.
      await stage.until(() => stage.partial.length > 0, 300)
      client.close()
      await insist(stage, () => stage.partial.every(({ over }) => over !== 'no'), 'the upstream goes on waiting')
      if (stage.requests.length > 0) throw new Fault('the upstream was told that the request was complete')
    },
  },
  {
    id: 'S7',
    name: 'a client that does not read holds its upstream back',
    source: 'RFC 9293 §3.8.6',
    async play(stage) {
      upstreamOf(stage).script = { answer: crlf(`HTTP/1.1 200 OK⏎Content-Length: ${FLOOD_BYTES}⏎⏎`) }
      const client = await stage.connect()
      client.socket.pause()
      await stage.send(client, headOf(stage, 'GET', '/a'))
      const { socket } = await arrival(stage)
      let taken = 0
      const fill = (): void => {
        for (; taken < FLOOD_BYTES && socket.writableLength < PIECE.length; taken += PIECE.length) socket.write(PIECE)
      }
      socket.on('drain', fill)
      fill()
      for (let seen = -1; seen !== taken;) {
        seen = taken
        await stage.until(() => false, STILL_MS)
      }
      socket.destroy()
      if (taken >= FLOOD_BYTES) throw new Fault(`the gateway took ${FLOOD_BYTES} bytes for a client that reads nothing`)
    },
  },
  {
    id: 'S8',
    name: 'POST on a kept connection that is reset is not made twice',
    source: 'RFC 9110 §9.2.2',
    async play(stage) {
      const made = await onDyingConnection(stage, headOf(stage, 'POST', '/a', 'Content-Length: 5') + 'hello', 'POST')
      if (made > 1) throw new Fault(`it was made ${made} times`)
    },
  },
  {
    id: 'S8',
    name: 'an answer of 503 is an answer: GET is not asked again',
    source: 'RFC 9110 §15.6.4',
    async play(stage) {
      upstreamOf(stage).script = { answer: crlf('HTTP/1.1 503 Busy⏎Retry-After: 1⏎Content-Length: 0⏎⏎') }
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'GET', '/a'))
      await answerOf(stage, client)
      if (stage.requests.length > 1) throw new Fault(`it was asked ${stage.requests.length} times`)
    },
  },
  {
    id: 'S8',
    name: 'an answer that breaks off is not asked for again',
    source: 'RFC 9112 §9.3.1',
    async play(stage) {
      upstreamOf(stage).script = {
        answer: (socket) =>
          void socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 50⏎⏎hello'), () => socket.destroy()),
      }
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'GET', '/a'))
      await insist(stage, () => client.over !== 'no', 'the client was left waiting')
      if (stage.requests.length > 1) throw new Fault(`it was asked for ${stage.requests.length} times`)
    },
  },
] satisfies readonly Scene[]
