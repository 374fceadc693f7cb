/** body: what is framed comes out again, however it is cut; what is broken never gives more than was sent. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type Cuts, cut, cuts, mutate, mutations } from '../../test/support/unit/packets.ts'
import { type BodyDecoder, ChunkedDecoder, CloseDecoder, LengthDecoder } from './body.ts'

interface Decoded {
  readonly data: string
  readonly ends: number
  /** Bytes that belong to the body; -1 when its framing is broken. */
  readonly taken: number
}

/** Feeds the pieces as a connection does: out of a larger buffer, until the body is over or broken. */
function decode(decoder: BodyDecoder, pieces: readonly Buffer[]): Decoded {
  let data = ''
  let ends = 0
  let taken = 0
  const sink = {
    data: (bytes: Buffer, start: number, end: number) => {
      assert.ok(end > start, 'data of no bytes')
      data += bytes.toString('latin1', start, end)
    },
    end: () => ends++,
  }
  for (const piece of pieces) {
    const around = Buffer.concat([Buffer.from('before'), piece, Buffer.from('after')])
    const stop = decoder.feed(around, 6, 6 + piece.length, sink)
    if (stop === -1) return { data, ends, taken: -1 }
    assert.ok(stop >= 6 && stop <= 6 + piece.length, 'stops where it was not asked to read')
    taken += stop - 6
    if (ends > 0) break
    assert.equal(stop, 6 + piece.length, 'leaves bytes of a body that is not over')
  }
  return { data, ends, taken }
}

const pieces = (text: string, at: Cuts) => cut(Buffer.from(text, 'latin1'), at)
const chunkedOf = (text: string, at: Cuts = []) => decode(new ChunkedDecoder().start(), pieces(text, at))

const byteText = fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 60 }).map((c) => String.fromCharCode(...c))
const extension = fc.constantFrom('', ';', ';a', ';a=b', '; a = "b;c"', ';a=b;c=d', `;${'x'.repeat(300)}`, ';\t\xe9')
const size = (length: number) =>
  fc.tuple(fc.nat({ max: 4 }), fc.boolean()).map(([zeros, upper]) => {
    const digits = length.toString(16)
    return '0'.repeat(zeros) + (upper ? digits.toUpperCase() : digits)
  })
const chunk = byteText.chain((data) =>
  fc.tuple(size(data.length), extension).map(([digits, more]) => ({ data, sent: `${digits}${more}\r\n${data}\r\n` })),
)
const trailers = fc.constantFrom('', 'X: y\r\n', 'a:\r\nB: \tc\xff\r\n')
const chunkedBody = fc
  .tuple(fc.array(chunk, { maxLength: 6 }), size(0), extension, trailers)
  .map(([chunks, zero, more, lines]) => ({
    data: chunks.map((one) => one.data).join(''),
    sent: `${chunks.map((one) => one.sent).join('')}${zero}${more}\r\n${lines}\r\n`,
  }))

describe('ChunkedDecoder', () => {
  it('gives back what was framed, and nothing of what follows, however it is cut', () => {
    fc.assert(
      fc.property(chunkedBody, byteText, cuts, ({ data, sent }, after, at) => {
        assert.deepEqual(chunkedOf(sent + after, at), { data, ends: 1, taken: sent.length })
      }),
      { numRuns: 1000 },
    )
  })

  it('gives of every prefix only what it holds, and does not take it for the whole', () => {
    fc.assert(
      fc.property(chunkedBody, ({ data, sent }) => {
        for (let end = 0; end < sent.length; end++) {
          const part = chunkedOf(sent.slice(0, end))
          assert.deepEqual([part.ends, part.taken], [0, end])
          assert.ok(data.startsWith(part.data))
        }
      }),
    )
  })

  it('reads broken bodies alike however they are cut, and never gives more than was sent', () => {
    fc.assert(
      fc.property(chunkedBody, mutations, cuts, ({ sent }, changes, at) => {
        const text = mutate(sent, changes)
        const whole = chunkedOf(text)
        assert.deepEqual(chunkedOf(text, at), whole)
        assert.deepEqual(
          decode(
            new ChunkedDecoder().start(),
            Array.from(text, (c) => Buffer.from(c, 'latin1')),
          ),
          whole,
        )
        assert.ok(whole.data.length <= text.length)
        assert.ok(whole.ends <= 1)
      }),
      { numRuns: 1000 },
    )
  })

  it('starts over, whatever the body before it was', () => {
    fc.assert(
      fc.property(chunkedBody, mutations, chunkedBody, (first, changes, second) => {
        const decoder = new ChunkedDecoder().start()
        decode(decoder, pieces(mutate(first.sent, changes), []))
        const { data, sent } = second
        assert.deepEqual(decode(decoder.start(), pieces(sent, [])), { data, ends: 1, taken: sent.length })
      }),
    )
  })

  for (const text of [
    '\r\n',
    ' 5\r\nabcde\r\n0\r\n\r\n',
    '+5\r\nabcde\r\n0\r\n\r\n',
    '-5\r\nabcde\r\n0\r\n\r\n',
    '0x5\r\nabcde\r\n0\r\n\r\n',
    '5_0\r\nabcde\r\n0\r\n\r\n',
    '5 \r\nabcde\r\n0\r\n\r\n',
    '5\nabcde\r\n0\r\n\r\n',
    '5\rabcde\r\n0\r\n\r\n',
    '5;a\nabcde\r\n0\r\n\r\n',
    '5;a\0\r\nabcde\r\n0\r\n\r\n',
    '5\r\nabcdef\r\n0\r\n\r\n',
    '5\r\nabcde0\r\n\r\n',
    '5\r\nabcde\n0\r\n\r\n',
    '5\r\nabcde\r0\r\n\r\n',
    '5\r\nabcde\r\n\r\n0\r\n\r\n',
    '00000000000005\r\nabcde\r\n0\r\n\r\n',
    'ffffffffffffff\r\n',
    `1;${'x'.repeat(4_097)}\r\n`,
    `${`1;${'x'.repeat(2_000)}\r\na\r\n`.repeat(3)}0\r\n\r\n`,
    '0\r\nGET / HTTP/1.1\r\n\r\n',
    '0\r\n : x\r\n\r\n',
    '0\r\nX : y\r\n\r\n',
    '0\r\nX: y\r\n z\r\n\r\n',
    '0\r\nX: y\n\r\n',
    '0\r\nX: y\rz\r\n\r\n',
    '0\r\nX: \0\r\n\r\n',
    '0\r\n\n',
    `0\r\nX: ${'y'.repeat(8_200)}\r\n\r\n`,
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 50))}`, () => {
      assert.equal(chunkedOf(text).taken, -1)
      assert.equal(chunkedOf(text).ends, 0)
    })
  }
})

describe('LengthDecoder', () => {
  it('gives as many bytes as were announced, however they are cut', () => {
    fc.assert(
      fc.property(byteText, fc.nat({ max: 70 }), cuts, (text, length, at) => {
        const decoded = decode(new LengthDecoder().start(length), pieces(text, at))
        const data = text.slice(0, length)
        assert.deepEqual(decoded, { data, ends: length <= text.length ? 1 : 0, taken: data.length })
      }),
    )
  })
})

describe('CloseDecoder', () => {
  it('gives everything and never ends by itself', () => {
    fc.assert(
      fc.property(byteText, cuts, (text, at) => {
        const decoded = decode(new CloseDecoder(), pieces(text, at))
        assert.deepEqual(decoded, { data: text, ends: 0, taken: text.length })
      }),
    )
  })
})
