/** Before anything is timed: every gateway must do the same job, or its figures mean nothing. */
import { Refusal } from './machine.ts'
import type { RunningGateway } from './peers/gateway-peer.ts'

interface Contender {
  readonly name: string
  readonly running: RunningGateway
}

/**
 * Sends the same probe to every gateway: status, type and body must be equal and the connection must stay open; one with
 * policies must also answer 401 without a key and with a wrong one. Throws a Refusal that names what differs.
 */
export async function checkParity(contenders: readonly Contender[]): Promise<void> {
  let expected: string | undefined
  for (const { name, running } of contenders) {
    const answer = await probe(running.origin, running.headers)
    expected ??= answer
    if (answer !== expected)
      throw new Refusal(`${name} answers\n  ${answer}\nbut the first server answers\n  ${expected}`)
    if (running.refusedHeaders === undefined) continue
    for (const headers of [{}, running.refusedHeaders]) {
      const refusal = await probe(running.origin, headers)
      if (!refusal.startsWith('401 ')) throw new Refusal(`${name} lets a wrong key through: ${refusal}`)
    }
  }
  if (expected !== undefined && !expected.startsWith('200 ')) throw new Refusal(`The probe is answered ${expected}`)
}

async function probe(origin: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const response = await fetch(`${origin}/user/profile?lang=en`, { headers })
  const type = response.headers.get('content-type')
  const connection = response.headers.get('connection') === 'close' ? 'closes' : 'keeps'
  return `${response.status} ${type} ${connection} ${await response.text()}`
}
