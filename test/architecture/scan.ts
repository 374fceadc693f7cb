/** Cuts TypeScript into tokens, so that a rule about code never mistakes a comment or a text for it. */

export type TokenKind = 'word' | 'number' | 'mark' | 'text' | 'template' | 'pattern' | 'comment'

export interface Token {
  readonly kind: TokenKind
  /** As written; of a `text` what stands between its quotes, of a `template` one piece between substitutions. */
  readonly text: string
  /** From 1. */
  readonly line: number
}

const SPACE = /\s+/y
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*/uy
const NUMBER = /\d[\w.]*/y
const TEXT = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
/** From a backtick or the brace that ends a substitution, to a backtick or the brace that begins one. */
const TEMPLATE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
const PATTERN = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y

/** After these words a slash begins a pattern; after any other it divides. */
const BEFORE_PATTERN = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof'.split(' '),
)

/** Throws when the source ends inside a text: then something was misread, and no rule may rely on it. */
export function scan(source: string): Token[] {
  const out: Token[] = []
  /** Open braces; true for one that began a substitution in a template. */
  const braces: boolean[] = []
  let line = 1
  let at = 0

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0] ?? null
  }
  const take = (kind: TokenKind, written: string, text = written): void => {
    out.push({ kind, text, line })
    skip(written)
  }
  const skip = (written: string): void => {
    at += written.length
    line += written.split('\n').length - 1
  }

  if (source.startsWith('#!')) take('comment', source.slice(0, source.indexOf('\n')))
  while (at < source.length) {
    const c = source[at]!
    const space = match(SPACE)
    if (space !== null) {
      skip(space)
      continue
    }
    const comment = match(COMMENT)
    if (comment !== null) {
      take('comment', comment)
    } else if (c === "'" || c === '"') {
      const text = match(TEXT) ?? endless(line)
      take('text', text, text.slice(1, -1))
    } else if (c === '`' || (c === '}' && braces.at(-1) === true)) {
      if (c === '}') braces.pop()
      const piece = match(TEMPLATE) ?? endless(line)
      if (piece.endsWith('{')) braces.push(true)
      take('template', piece, piece.slice(1, piece.endsWith('{') ? -2 : -1))
    } else {
      const pattern = c === '/' && beginsPattern(out, source) ? match(PATTERN) : null
      const word = match(WORD)
      const number = match(NUMBER)
      if (c === '{') braces.push(false)
      if (c === '}') braces.pop()
      if (pattern !== null) take('pattern', pattern)
      else if (word !== null) take('word', word)
      else if (number !== null) take('number', number)
      else take('mark', String.fromCodePoint(source.codePointAt(at)!))
    }
  }
  if (braces.length > 0) throw new Error('a brace is never closed')
  return out

  function beginsPattern(tokens: readonly Token[], text: string): boolean {
    const before = tokens.findLast((token) => token.kind !== 'comment')
    if (before === undefined) return true
    if (before.kind === 'word') return BEFORE_PATTERN.has(before.text)
    if (before.kind !== 'mark') return false
    // `x! / 2`: a mark of TypeScript's that is no operator.
    if (before.text === '!') return !/[\w$)\]]!\s*$/.test(text.slice(Math.max(0, at - 80), at))
    return !')]}'.includes(before.text)
  }
}

function endless(line: number): never {
  throw new Error(`line ${line}: a text that does not end`)
}

export interface Import {
  /** What is imported, as written; null when it is computed and nobody can tell. */
  readonly specifier: string | null
  readonly line: number
  /** By `new URL(…, import.meta.url)`: a file that is run or read. */
  readonly asUrl: boolean
  /** By `import type` or `export type`: erased, so that nothing is loaded. `import { type A }` is not: the file is loaded for nothing. */
  readonly typeOnly: boolean
}

/** Everything a file imports: statically, for its types, dynamically, by `require`, or as a URL beside it. */
export function importsOf(tokens: readonly Token[]): Import[] {
  const code = tokens.filter((token) => token.kind !== 'comment')
  const is = (i: number, text: string): boolean => {
    const token = code[i]
    return token?.text === text && token.kind !== 'text' && token.kind !== 'template'
  }
  return code.flatMap((token, i): Import[] => {
    const { line } = token
    const next = code[i + 1]
    if (token.kind !== 'word' || is(i - 1, '.')) return []
    // `import x from 'y'`, `export * from 'y'`, `import 'y'`: nothing else puts a text straight after these words.
    if ((token.text === 'from' || token.text === 'import') && next?.kind === 'text')
      return [{ specifier: next.text, line, asUrl: false, typeOnly: token.text === 'from' && beginsWithType(code, i) }]
    if ((token.text === 'import' || token.text === 'require') && is(i + 1, '(')) {
      const given = code[i + 2]
      const plain = given?.kind === 'text' && (is(i + 3, ')') || is(i + 3, ','))
      return [{ specifier: plain ? given.text : null, line, asUrl: false, typeOnly: false }]
    }
    if (token.text === 'URL' && is(i + 1, '(')) return urlsOf(code, i + 2)
    return []
  })
}

/** Whether the statement around this `from` says `import type` or `export type`; `import type from 'a'` only names something `type`. */
function beginsWithType(code: readonly Token[], from: number): boolean {
  const start = code.findLastIndex(({ kind, text }, i) => i < from && kind === 'word' && /^(?:im|ex)port$/.test(text))
  return code[start + 1]?.text === 'type' && start + 2 < from && code[start + 2]?.text !== ','
}

/** The relative texts of a `new URL(…)` whose base is the file itself; several when it chooses between them. */
function urlsOf(code: readonly Token[], from: number): Import[] {
  let end = from
  for (let depth = 1; end < code.length; end++) {
    if (code[end]!.kind !== 'mark') continue
    if (code[end]!.text === '(') depth++
    if (code[end]!.text === ')' && --depth === 0) break
  }
  const given = code.slice(from, end)
  const written = given.map((token) => token.text).join('')
  if (!/,import\.meta\.url,?$/.test(written)) return []
  return given
    .filter((token) => token.kind === 'text' && /^\.{1,2}\//.test(token.text))
    .map((token) => ({ specifier: token.text, line: token.line, asUrl: true, typeOnly: false }))
}
