/** What of a configuration takes effect at the next start only. */
import type { DesiredState } from '../model/gateway.ts'

const AT_START = ['listeners', 'admin', 'store', 'threads', 'engineHeapMax', 'accessLog', 'sealingKeys'] as const

/** The parts that have changed and wait for it. What a listener says about TLS is followed at once, unless it begins or ends to speak it. */
export function awaitRestart(before: DesiredState, after: DesiredState): readonly (keyof DesiredState)[] {
  const text = (key: string, value: unknown) => (key === 'tls' ? value !== null : value)
  return AT_START.filter((key) => JSON.stringify(before[key], text) !== JSON.stringify(after[key], text))
}
