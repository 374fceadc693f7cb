/** Scenes of TLS: the name that a handshake asks for is not always the host that is asked afterwards (RFC 9110 §15.5.20). */
import type { RawClient } from '../raw-client.ts'
import { Fault, NotApplicable, type Stage } from '../stage.ts'
import { type Scene, answerOf, headOf } from './scene.ts'

/** A name that nobody has (RFC 6761 §6.4). */
const STRANGE = 'other.invalid'

const misdirected = (name: string, serverName: string | undefined, host: (own: string) => string): Scene => ({
  id: 'P2',
  name,
  source: 'RFC 9110 §15.5.20',
  async play(stage: Stage) {
    const { target } = stage
    if (!target.secure) throw new NotApplicable('it is not asked over TLS')
    let client: RawClient
    try {
      client = await stage.connect(serverName)
    } catch {
      // It ends such a handshake, which is as good.
      return
    }
    const asked = host(target.host)
    await stage.send(client, headOf(stage, 'GET', '/a').replace(`Host: ${target.host}`, `Host: ${asked}`))
    const { status, body } = await answerOf(stage, client)
    if (status >= 500) throw new Fault(`it was answered ${status}`)
    const [request] = stage.requests
    if (status >= 400 && request !== undefined) throw new Fault(`it was answered ${status}, and went upstream`)
    if (status === 200 && body.toString() !== request?.target)
      throw new Fault('it was given an answer that is not its own')
  },
})

export const handshakes: readonly Scene[] = [
  misdirected('a host that the handshake was not for: served as its own, or refused', STRANGE, (own) => own),
  misdirected(
    'a strange host after a handshake for the right one: served as its own, or refused',
    undefined,
    () => STRANGE,
  ),
]
