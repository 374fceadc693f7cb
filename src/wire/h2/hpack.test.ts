/** HPACK: the RFC's own examples, what another implementation writes, and blocks that are none. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fieldValue, token } from '../../../test/support/unit/heads.ts'
import { OutgoingHead } from '../outgoing.ts'
import { type Field, KIND } from './field.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { encoder } from './hpack-encoder.ts'
import { STATIC_TABLE } from './static-table.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** The fields of a block as lines, or null when it is broken. */
function decode(decoder: HpackDecoder, block: Buffer): string[] | null {
  const fields: string[] = []
  // Out of a larger buffer, as a frame is.
  const around = Buffer.concat([Buffer.from('before'), block, Buffer.from('after')])
  const sink = { field: ({ name, value }: Field) => void fields.push(`${name}: ${value}`) }
  return decoder.decode(around, 6, 6 + block.length, sink) ? fields : null
}

describe('HpackDecoder', () => {
  const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']
  const second = [...first, 'cache-control: no-cache']
  const third = [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ]

  it('reads the examples of RFC 7541 Appendix C.3: requests without Huffman coding', () => {
    const decoder = new HpackDecoder()
    assert.deepEqual(decode(decoder, hex('8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d')), first)
    assert.deepEqual(decode(decoder, hex('8286 84be 5808 6e6f 2d63 6163 6865')), second)
    assert.deepEqual(
      decode(decoder, hex('8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65')),
      third,
    )
  })

  it('reads those of Appendix C.4: with Huffman coding', () => {
    const decoder = new HpackDecoder()
    assert.deepEqual(decode(decoder, hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')), first)
    assert.deepEqual(decode(decoder, hex('8286 84be 5886 a8eb 1064 9cbf')), second)
    assert.deepEqual(decode(decoder, hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')), third)
  })

  it('reads those of Appendix C.5: a table too small for all, so that the oldest go', () => {
    const decoder = new HpackDecoder()
    // The size that the examples have is agreed by a size update: 256.
    const answer = hex(
      '3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 54' +
        '6e17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d',
    )
    const rest = ['cache-control: private', 'date: Mon, 21 Oct 2013 20:13:21 GMT', 'location: https://www.example.com']
    assert.deepEqual(decode(decoder, answer), [':status: 302', ...rest])
    assert.deepEqual(decode(decoder, hex('4803 3330 37c1 c0bf')), [':status: 307', ...rest])
    assert.deepEqual(decode(decoder, hex('88c1 61 00')), [':status: 200', rest[0], 'date: '])
  })

  for (const [name, block] of [
    ['an index of nothing', '80'],
    ['an index beyond both tables', 'be'],
    ['a name beyond both tables', '7e 01 61'],
    ['an index that goes on for ever', 'ff ff ff ff ff ff ff ff ff ff 0f'],
    ['an index that is cut off', 'ff'],
    ['a string longer than the block', '00 05 61'],
    ['a string without a value', '00 01 61'],
    ['a length beyond any block', '00 7f ff ff ff ff 0f 61'],
    ['a table larger than was allowed', '3f e2 1f'],
    ['a size after a field', '82 20'],
    ['Huffman padding of zeros', '00 01 61 81 00'],
    ['Huffman padding of eight bits', '00 01 61 82 1f ff'],
    ['the end of string within one', '00 01 61 84 ff ff ff ff'],
  ] as const) {
    it(`does not read ${name}`, () => assert.equal(decode(new HpackDecoder(), hex(block)), null))
  }

  it('takes a table of the size that was allowed, and none at all', () => {
    assert.deepEqual(decode(new HpackDecoder(), hex('3fe1 1f 20 82')), [':method: GET'])
  })

  it('takes no bytes whatever for anything but fields or nonsense', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), (blocks) => {
        const decoder = new HpackDecoder()
        for (const block of blocks) if (decode(decoder, Buffer.from(block)) === null) break
      }),
      { numRuns: 500 },
    )
  })
})

describe('the encoder', () => {
  it('writes what a decoder reads back, names in lower case', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(token, fieldValue), { maxLength: 12 }), (pairs) => {
        const head = new OutgoingHead()
        const wanted: string[] = []
        for (const [name, value] of pairs) {
          if (/^(?:host|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings)$/i.test(name))
            continue
          head.append(name, value)
          wanted.push(`${name.toLowerCase()}: ${value}`)
        }
        const { bytes, length } = encoder.begin().field(':status', '299').lines(head)
        assert.deepEqual(decode(new HpackDecoder(), bytes.subarray(0, length)), [':status: 299', ...wanted])
      }),
      { numRuns: 300 },
    )
  })

  it('writes nothing that is about a connection', () => {
    const head = new OutgoingHead()
    for (const name of ['Connection', 'Keep-Alive', 'Host', 'Transfer-Encoding', 'Upgrade']) head.append(name, 'x')
    const { bytes, length } = encoder.begin().field(':method', 'GET').lines(head)
    assert.deepEqual(bytes.subarray(0, length), hex('82'))
  })
})

describe('the static table', () => {
  it('is that of RFC 7541 Appendix A at its ends', () => {
    assert.equal(STATIC_TABLE.length, 62)
    const shown = [1, 2, 8, 16, 31, 61].map((index) => `${STATIC_TABLE[index]!.name} ${STATIC_TABLE[index]!.value}`)
    assert.deepEqual(shown, [
      ':authority ',
      ':method GET',
      ':status 200',
      'accept-encoding gzip, deflate',
      'content-type ',
      'www-authenticate ',
    ])
    assert.equal(STATIC_TABLE[57]!.kind, KIND.invalid, 'transfer-encoding')
  })
})
