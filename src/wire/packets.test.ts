/** A client's connection: how its bytes are cut into packets changes nothing of what is heard. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { wholeRequest } from '../../test/support/unit/heads.ts'
import { PacketRig } from '../../test/support/unit/packet-rig.ts'
import { cut, cuts, mutate, mutations } from '../../test/support/unit/packets.ts'

const rig = await PacketRig.start()
after(() => rig.close())

const pipelined = fc.array(wholeRequest, { minLength: 1, maxLength: 4 }).map((requests) => requests.join(''))

describe('packets', () => {
  it('make no difference to valid requests, one after another', async () => {
    await fc.assert(
      fc.asyncProperty(pipelined, cuts, async (text, at) => {
        const bytes = Buffer.from(text, 'latin1')
        const whole = await rig.hear([bytes])
        assert.equal(whole.refused, false)
        assert.deepEqual(await rig.hear(cut(bytes, at)), whole)
      }),
      { numRuns: 150 },
    )
  })

  it('make no difference to requests that are not quite valid', async () => {
    await fc.assert(
      fc.asyncProperty(pipelined, mutations, cuts, async (text, changes, at) => {
        const bytes = Buffer.from(mutate(text, changes), 'latin1')
        assert.deepEqual(await rig.hear(cut(bytes, at)), await rig.hear([bytes]))
      }),
      { numRuns: 400 },
    )
  })

  it('may be of one byte each', async () => {
    await fc.assert(
      fc.asyncProperty(wholeRequest, mutations, async (text, changes) => {
        const bytes = Buffer.from(mutate(text, changes), 'latin1')
        const each = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
        assert.deepEqual(await rig.hear(each), await rig.hear([bytes]))
      }),
      { numRuns: 40 },
    )
  })
})
