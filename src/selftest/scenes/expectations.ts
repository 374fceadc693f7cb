/** Scenes of a client that waits for 100, and of answers that come before the request is complete (RFC 9110 §10.1.1, RFC 9112 §9.3). */
import { answersTo } from '../answers-read.ts'
import { crlf } from '../notation.ts'
import { ECHO, Fault, NotApplicable, type Stage } from '../stage.ts'
import { type Scene, answerOf, arrival, headOf, insist, upstreamOf } from './scene.ts'

const WAITS = ['Expect: 100-continue', 'Content-Length: 5'] as const
const CONTINUE = crlf('HTTP/1.1 100 Continue⏎⏎')
const UPLOAD = Buffer.alloc(1_000_000, 'u')
const UPLOAD_BYTES = 1_000_000_000

export const expectations: readonly Scene[] = [
  ...[1, 0].map((times) => ({
    id: 'F11',
    name: `a client that waits is told once to go on, by an upstream that ${times === 0 ? 'knows nothing of it' : 'says so'}`,
    source: 'RFC 9110 §10.1.1',
    async play(stage: Stage) {
      if (times > 0) upstreamOf(stage).script = { ...ECHO, onHead: (socket) => void socket.write(CONTINUE) }
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'POST', '/a', ...WAITS))
      if (!(await stage.until(() => answersTo(client).interim.length > 0))) {
        if (times === 0 && stage.partial.some(({ partial }) => /\r\nexpect: 100-continue\r\n/i.test(partial)))
          throw new NotApplicable('it leaves that to its upstream')
        throw new Fault('the client was not told to go on')
      }
      await stage.send(client, 'hello')
      const answer = await answerOf(stage, client, 'POST')
      if (answer.status !== 200) throw new Fault(`it was answered ${answer.status}`)
      const { interim } = answersTo(client)
      if (interim.join() !== '100') throw new Fault(`the interim answers were ${interim.join(', ')}`)
      if (stage.requests[0]?.body.toString() !== 'hello') throw new Fault('the body did not go upstream as it was')
    },
  })),
  {
    id: 'F11',
    name: 'an answer instead of 100: the body that may still come is no request',
    source: 'RFC 9110 §10.1.1',
    async play(stage) {
      upstreamOf(stage).script = { on: 'head', answer: crlf('HTTP/1.1 401 Unauthorized⏎Content-Length: 2⏎⏎no') }
      const body = headOf(stage, 'GET', '/smuggled')
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'POST', '/a', 'Expect: 100-continue', `Content-Length: ${body.length}`))
      await stage.until(() => answersTo(client).interim.length > 0 || client.received !== '')
      if (stage.partial.length === 0) throw new NotApplicable('it takes the body before it asks its upstream')
      const answer = await answerOf(stage, client, 'POST')
      if (answer.status !== 401) throw new Fault(`it was answered ${answer.status}`)
      await stage.send(client, body)
      await stage.until(() => client.over !== 'no' || answersTo(client).whole.length > 1, 200)
      const smuggled = stage.requests.find(({ target }) => target.endsWith('/smuggled'))
      if (smuggled !== undefined || answersTo(client).whole.length > 1)
        throw new Fault('the body was taken for a request')
    },
  },
  ...['Content-Length', 'Transfer-Encoding'].map((framing) => ({
    id: 'F12',
    name: `an answer while an upload of ${framing === 'Content-Length' ? 'a length' : 'chunks'} runs, then a reset`,
    source: 'RFC 9112 §9.5',
    async play(stage: Stage) {
      upstreamOf(stage).script = {
        on: 'head',
        answer: (socket) => {
          socket.write(crlf('HTTP/1.1 413 Content Too Large⏎Content-Length: 3⏎⏎big'))
          setTimeout(() => socket.resetAndDestroy(), 100)
        },
      }
      const client = await stage.connect()
      const value = framing === 'Content-Length' ? String(UPLOAD_BYTES) : 'chunked'
      await stage.send(client, headOf(stage, 'POST', '/large', `${framing}: ${value}`))
      await stage.send(client, framing === 'Content-Length' ? UPLOAD : `${UPLOAD_BYTES.toString(16)}\r\n`)
      const reached = (): boolean => stage.partial.length > 0
      await stage.until(() => reached() || answersTo(client).whole.length > 0 || client.over !== 'no')
      if (!reached())
        throw new NotApplicable('it has a bound of its own, or takes the body before it asks its upstream')
      await answerOf(stage, client, 'POST')
      const connection = await arrival(stage)
      await insist(stage, () => connection.over !== 'no', 'the upstream’s connection was kept')
      if (stage.requests.length > 0) throw new Fault('the upstream was told that the request was complete')
    },
  })),
] satisfies readonly Scene[]
