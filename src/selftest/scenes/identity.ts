/** Scenes of whose answer it is: credentials kept apart, trailers that change nothing, a gateway that meets itself (RFC 9111, RFC 4559). */
import { crlf } from '../notation.ts'
import { valuesOf } from '../raw-message.ts'
import { Fault, NotApplicable, type Stage } from '../stage.ts'
import { type Scene, answerOf, headOf, upstreamOf } from './scene.ts'

/** Asks for the same twice, with these lines each; the upstream counts its answers. The two bodies. */
async function twice(
  stage: Stage,
  first: string,
  second: string,
  answered: string,
): Promise<readonly [string, string]> {
  let count = 0
  upstreamOf(stage).script = {
    answer: (socket) => void socket.write(crlf(`HTTP/1.1 200 OK⏎${answered}⏎Content-Length: 1⏎⏎${++count}`)),
  }
  const bodies: string[] = []
  for (const line of [first, second]) {
    const client = await stage.connect()
    await stage.send(client, headOf(stage, 'GET', '/cached', line))
    bodies.push((await answerOf(stage, client)).body.toString())
  }
  return [bodies[0]!, bodies[1]!]
}

const caching = (name: string, source: string, first: string, second: string, answered: string): Scene => ({
  id: 'S12',
  name,
  source,
  async play(stage) {
    const [one, other] = await twice(stage, first, second, answered)
    if (one === other) throw new Fault('the answer to one was given to the other')
  },
})

export const identity: readonly Scene[] = [
  {
    id: 'S3',
    name: 'trailers of an answer are trailers, or are dropped',
    source: 'RFC 9110 §6.5.1',
    async play(stage) {
      upstreamOf(stage).script = {
        answer: crlf(
          'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X-T: 1⏎Content-Length: 9⏎Set-Cookie: a=b⏎⏎',
        ),
      }
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'GET', '/a', 'TE: trailers', 'Connection: TE'))
      const answer = await answerOf(stage, client)
      if (answer.body.toString() !== 'hello') throw new Fault('the body was changed')
      const trailers = answer.trailers.map(([name]) => name.toLowerCase())
      if (trailers.includes('content-length')) throw new Fault('a trailer that frames was passed on')
      if (valuesOf(answer, 'set-cookie').length > 0) throw new Fault('a trailer was made a header')
    },
  },
  {
    id: 'S3',
    name: 'trailers of a request do not become its headers',
    source: 'RFC 9110 §6.5.1',
    async play(stage) {
      const client = await stage.connect()
      const head = headOf(stage, 'POST', '/a', 'Transfer-Encoding: chunked', 'Trailer: Authorization, X-T')
      await stage.send(client, head + crlf('5⏎hello⏎0⏎Authorization: Basic eDp5⏎X-T: 1⏎⏎'))
      await answerOf(stage, client, 'POST')
      const [request] = stage.requests
      if (request === undefined) return
      if (valuesOf(request, 'authorization').length > 0 || valuesOf(request, 'x-t').length > 0)
        throw new Fault('a trailer was made a header')
      if (request.trailers.some(([name]) => name.toLowerCase() === 'authorization'))
        throw new Fault('a trailer that authenticates was passed on')
    },
  },
  caching(
    'the answer to one credential is not given to another',
    'RFC 9111 §3.5',
    'Authorization: Basic b25lOm9uZQ==',
    'Authorization: Basic dHdvOnR3bw==',
    'Cache-Control: max-age=60',
  ),
  caching('no-store is not stored', 'RFC 9111 §5.2.2.5', 'X: 1', 'X: 2', 'Cache-Control: no-store, max-age=60'),
  caching(
    'Vary is kept apart',
    'RFC 9111 §4.1',
    'Accept: a/a',
    'Accept: b/b',
    'Cache-Control: max-age=60⏎Vary: Accept',
  ),
  {
    id: 'S13',
    name: 'a request that has been through this gateway before is stopped',
    source: 'RFC 9110 §7.6.3',
    async play(stage) {
      const client = await stage.connect()
      await stage.send(client, headOf(stage, 'GET', '/a'))
      await answerOf(stage, client)
      const via = stage.requests[0] === undefined ? [] : valuesOf(stage.requests[0], 'via')
      if (via.length === 0) throw new NotApplicable('it does not say in Via who it is')
      const again = await stage.connect()
      await stage.send(again, headOf(stage, 'GET', '/again', ...via.map((line) => `Via: ${line}`)))
      const answer = await answerOf(stage, again)
      if (answer.status < 400) throw new Fault(`it went round again and was answered ${answer.status}`)
    },
  },
  {
    id: 'S14',
    name: 'a connection that was authenticated by NTLM serves nobody else',
    source: 'RFC 4559 §6',
    async play(stage) {
      upstreamOf(stage).script = {
        answer: (socket, nth) =>
          void socket.write(
            crlf(
              nth === 0
                ? 'HTTP/1.1 401 Unauthorized⏎WWW-Authenticate: NTLM TlRMTVNTUAAC⏎Content-Length: 0⏎⏎'
                : 'HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok',
            ),
          ),
      }
      const insider = await stage.connect()
      for (const [nth, token] of ['TlRMTVNTUAAB', 'TlRMTVNTUAAD'].entries()) {
        await stage.send(insider, headOf(stage, 'GET', '/in', `Authorization: NTLM ${token}`))
        await answerOf(stage, insider, 'GET', nth)
      }
      const stranger = await stage.connect()
      await stage.send(stranger, headOf(stage, 'GET', '/out'))
      await answerOf(stage, stranger)
      const used = stage.requests.filter(({ target }) => target.endsWith('/in')).map(({ connection }) => connection)
      const out = stage.requests.find(({ target }) => target.endsWith('/out'))
      if (out !== undefined && used.includes(out.connection))
        throw new Fault('a stranger’s request went over the connection that somebody else had authenticated')
    },
  },
] satisfies readonly Scene[]
