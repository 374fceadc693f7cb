/** Decodes HPACK's Huffman code (RFC 7541 §5.2), four bits a step. What we send is not coded so: it saves bytes, not work. */

/** The length in bits of each symbol's code, in base 36, the end of string last (RFC 7541 Appendix B). The code is canonical. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu'
const END = 256
/** Huffman codes are at least five bits long, and a header block is bounded: this holds what comes of any string in one. */
const DECODED_BYTES_MAX = 65_536

/** By state and four bits: the next state. The code is complete, so there always is one. */
const NEXT = new Uint8Array(256 * 16)
/** By state and four bits: the symbol that is complete, or -1. */
const SYMBOL = new Int16Array(256 * 16).fill(-1)
/** 1 for the states a string may end in: fewer than eight bits, all ones (§5.2). */
const FINAL = new Uint8Array(256)
buildTables()

const decoded = Buffer.allocUnsafeSlow(DECODED_BYTES_MAX)

/** The string in bytes[start, end), or null when it is none. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | null {
  if ((end - start) * 8 > DECODED_BYTES_MAX * 5) return null
  let state = 0
  let length = 0
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = state * 16 + ((byte >> shift) & 15)
      const symbol = SYMBOL[step]!
      if (symbol !== -1) {
        if (symbol === END) return null
        decoded[length++] = symbol
      }
      state = NEXT[step]!
    }
  }
  return FINAL[state] === 1 ? decoded.toString('latin1', 0, length) : null
}

function buildTables(): void {
  // A tree of 256 inner nodes. Children: inner nodes as they are, leaves as -1 - symbol.
  const children = [new Int16Array(256), new Int16Array(256)] as const
  let nodes = 1
  let code = 0
  let before = 0
  const symbols = Array.from(LENGTHS, (digit, symbol) => ({ symbol, length: parseInt(digit, 36) }))
  for (const { symbol, length } of symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol)) {
    code *= 2 ** (length - before)
    before = length
    let node = 0
    for (let bit = length - 1; bit > 0; bit--) {
      const side = children[(code >> bit) & 1]!
      if (side[node] === 0) side[node] = nodes++
      node = side[node]!
    }
    children[code & 1]![node] = -1 - symbol
    code++
  }
  for (let state = 0; state < nodes; state++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = state
      for (let bit = 3; bit >= 0; bit--) {
        const child = children[(bits >> bit) & 1]![node]!
        if (child < 0) SYMBOL[state * 16 + bits] = -1 - child
        node = child < 0 ? 0 : child
      }
      NEXT[state * 16 + bits] = node
    }
  }
  for (let node = 0, ones = 0; ones < 8; ones++) {
    FINAL[node] = 1
    node = children[1][node]!
  }
}
