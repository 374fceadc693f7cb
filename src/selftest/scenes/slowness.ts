/** Scenes of clients that take their time: whoever sends or reads too slowly is cut, and does not keep others out (CWE-400). */
import { Fault, type Stage } from '../stage.ts'
import { type Scene, headOf } from './scene.ts'

/** Common servers wait a minute; nobody should wait much longer. */
const CUT_WITHIN_MS = 75_000
const DRIP_MS = 1_000

/** Sends a byte now and then until it is cut. */
async function drips(stage: Stage, start: string, drip: string): Promise<void> {
  const client = await stage.connect()
  await stage.send(client, start)
  const timer = setInterval(() => {
    if (client.socket.writable) client.socket.write(drip)
  }, DRIP_MS)
  try {
    if (!(await stage.until(() => client.over !== 'no', CUT_WITHIN_MS)))
      throw new Fault(`it was let go on for ${CUT_WITHIN_MS / 1_000} s`)
  } finally {
    clearInterval(timer)
  }
}

export const slowness: readonly Scene[] = [
  {
    id: 'S9',
    slow: true,
    name: 'a head that comes byte by byte has an end',
    source: 'CVE-2007-6750',
    play: (stage) => drips(stage, headOf(stage, 'GET', '/a').slice(0, -2), 'X: y\r\n'),
  },
  {
    id: 'S9',
    slow: true,
    name: 'a client that says nothing is cut',
    source: 'CVE-2007-6750',
    play: (stage) => drips(stage, '', ''),
  },
] satisfies readonly Scene[]
