/** The scenes of the corpus, in the order of the tables. */
import { departures } from './departures.ts'
import { expectations } from './expectations.ts'
import { handshakes } from './handshakes.ts'
import { identity } from './identity.ts'
import type { Scene } from './scene.ts'
import { slowness } from './slowness.ts'
import { tunnels } from './tunnels.ts'

export type { Scene } from './scene.ts'

export function scenes(): readonly Scene[] {
  return [...expectations, ...tunnels, ...departures, ...identity, ...handshakes, ...slowness]
}
