/** Reads the status of an answer of HTTP/2 from the first header block of a connection (RFC 7541): that much and no more of HPACK. */

/** Entries 8 to 14 of the static table. */
const STATUSES = [200, 204, 206, 304, 400, 404, 500]
const FIRST = 0x80 | 8

/** 0 when it cannot be read. */
export function statusOf(block: Buffer): number {
  let at = 0
  // The size of a table comes before everything else.
  while ((block[at]! & 0xe0) === 0x20) at += (block[at]! & 0x1f) === 0x1f ? continued(block, at) : 1
  const first = block[at]!
  if (first >= FIRST && first < FIRST + STATUSES.length) return STATUSES[first - FIRST]!
  // A literal whose name is in the table: with, without and never to be indexed.
  const index = first >= 0x40 ? first & 0x3f : first & 0x0f
  if (first >= 0x80 || index < 8 || index > 14) return 0
  const length = block[at + 1]! & 0x7f
  const value = block.subarray(at + 2, at + 2 + length)
  const text = block[at + 1]! >= 0x80 ? digits(value) : value.toString('latin1')
  return /^[1-5]\d\d$/.test(text) ? Number(text) : 0
}

function continued(block: Buffer, at: number): number {
  let length = 2
  while (block[at + length - 1]! >= 0x80) length++
  return length
}

/** Digits in the Huffman code: 0 to 2 have five bits, 00000 to 00010; the others six, 011001 to 011111 (RFC 7541 appendix B). */
function digits(value: Buffer): string {
  const bits = Array.from(value, (byte) => byte.toString(2).padStart(8, '0')).join('')
  let text = ''
  for (let at = 0; text.length < 3 && at + 5 <= bits.length;) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    const six = Number.parseInt(bits.slice(at, at + 6), 2)
    if (five <= 2) text += String(five)
    else if (six >= 25 && six <= 31) text += String(six - 22)
    else return ''
    at += five <= 2 ? 5 : 6
  }
  return text
}
