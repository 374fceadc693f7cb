/** path: one reading of every path. What a server behind us would read as /admin is /admin here, or is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { canonicalPath, pathEnd } from './path.ts'

const canonical = (path: string) => canonicalPath(path, path.length)

/** What paths are made of, and what only looks like it. */
const PARTS = [
  '/ / / . .. /. /.. // %2e %2E .%2e %2f %2F %5c %00 %0d%0a %7f a admin %61 %25 %252e %3b ;x=1 \\ % %zz %6 ~ %7e',
  '%C3%A9 %c3 \xe9 * : @ ! %21 $& \'() +,= | " < { ^ ` %20 \t',
].flatMap((line) => line.split(' '))
const part = fc.constantFrom(...PARTS, ' ')
const path = fc.array(part, { maxLength: 10 }).map((parts) => `/${parts.join('')}`)

/** How servers behind us may read a path: RFC 3986 §6.2.2, with and without folding `//`, with and without `\` as `/`. */
function readings(text: string): string[] {
  const decoded = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return [decoded, decoded.replace(/\\/g, '/')].flatMap((one) => {
    const segments: string[] = []
    const parts = one.slice(1).split('/')
    for (const segment of parts) {
      if (segment === '..') segments.pop()
      else if (segment !== '.') segments.push(segment)
    }
    if (/^\.\.?$/.test(parts.at(-1)!)) segments.push('')
    const resolved = `/${segments.join('/')}`
    return [resolved, resolved.replace(/\/+/g, '/'), resolved.split(';')[0]!, resolved.split('\0')[0]!]
  })
}

/** Every way to write `/admin` that a decoder undoes: characters escaped, dot segments and slashes put in. */
const adminInDisguise = fc
  .tuple(
    fc.array(fc.constantFrom('/', '/.', '/%2e', '/x/..', '/x/%2E%2e', '/x/.%2e', '/a/b/../..', '//', '/%2e/'), {
      maxLength: 4,
    }),
    fc.tuple(...'admin'.split('').map((c) => fc.constantFrom(c, escape(c), escape(c).toLowerCase()))),
    fc.constantFrom('', '', '/.', '/', '/x/..', '/%2e%2E/admin', ';', '%3b', '%00', '\\', '%5C', '?x', '/x/../'),
  )
  .map(([before, name, after]) => `${before.join('')}/${name.join('')}${after}`)

function escape(c: string): string {
  return `%${c.charCodeAt(0).toString(16).toUpperCase()}`
}

describe('canonicalPath', () => {
  it('is the same when it is taken again', () => {
    fc.assert(
      fc.property(path, (text) => {
        const once = canonical(text)
        if (once !== null) assert.equal(canonical(once), once)
      }),
      { numRuns: 5000 },
    )
  })

  it('holds nothing that could be read another way', () => {
    fc.assert(
      fc.property(path, (text) => {
        const once = canonical(text)
        if (once === null) return
        assert.match(once, /^\/(?:[\w.~!$&'()*+,=:@/-]|%[0-9A-F]{2})*$/)
        assert.doesNotMatch(once, /\/\/|\/\.\.?(?:\/|$)/)
        for (const [, hex] of once.matchAll(/%(..)/g)) {
          const c = Number.parseInt(hex!, 16)
          // Unreserved is never escaped; a slash, a backslash, a semicolon and controls are not even in escapes.
          assert.doesNotMatch(String.fromCharCode(c), /[\w.~/\\;-]/, once)
          assert.ok(c > 0x1f && c !== 0x7f, once)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('leaves one reading: every decoder comes to the same path', () => {
    fc.assert(
      fc.property(path, (text) => {
        const once = canonical(text)
        if (once !== null) assert.equal(new Set(readings(once).map((one) => one.toLowerCase())).size, 1, once)
      }),
      { numRuns: 5000 },
    )
  })

  it('is what each decoder makes of the path as it came, `//` folded first, or null', () => {
    fc.assert(
      fc.property(path, (text) => {
        const once = canonical(text)
        if (once === null) return
        const folded = (one: string) => one.replace(/\/+/g, '/')
        for (const reading of readings(folded(text))) assert.equal(folded(reading), readings(once)[0], text)
      }),
      { numRuns: 5000 },
    )
  })

  it('knows /admin in every disguise, or refuses it', () => {
    const admin = /^\/admin$/
    fc.assert(
      fc.property(adminInDisguise, (text) => {
        const at = pathEnd(text)
        const found = canonicalPath(text, at)
        if (readings(text.slice(0, at)).some((reading) => admin.test(reading))) {
          assert.ok(found === null || found === '/admin', `${text} is read as ${found}`)
        }
      }),
      { numRuns: 5000 },
    )
  })

  for (const [text, want] of [
    ['/', '/'],
    ['*', '*'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/a//b', '/a/b'],
    ['//admin', '/admin'],
    ['/a/../admin', '/admin'],
    ['/a/%2e%2e/admin', '/admin'],
    ['/a/.%2e/', '/'],
    ['/%61dmin', '/admin'],
    ['/a/.', '/a/'],
    ['/a/./b', '/a/b'],
    ['/a/..', '/'],
    ['/a.b/.c/..d/e..', '/a.b/.c/..d/e..'],
    ['/...', '/...'],
    ['/a%2Db%5f%7E', '/a-b_~'],
    ['/%c3%a9', '/%C3%A9'],
    ['/%2561', '/%2561'],
    ['/%21', '/%21'],
    ['/!', '/!'],
    ['/..', null],
    ['/a/../..', null],
    ['/%2fadmin', null],
    ['/a%2F', null],
    ['/a%5cb', null],
    ['/a\\b', null],
    ['/a;x=1/b', null],
    ['/a%3Bb', null],
    ['/a%00', null],
    ['/a%0A', null],
    ['/a%7F', null],
    ['/a%zz', null],
    ['/a%2', null],
    ['/a%', null],
    ['/é', null],
    ['/a|b', null],
    ['/a b', null],
    ['/a#b', null],
  ] as const) {
    it(`${text} is ${want}`, () => assert.equal(canonical(text), want))
  }

  it('reads up to where it is told', () => {
    assert.equal(pathEnd('/a?b?c'), 2)
    assert.equal(pathEnd('/a'), 2)
    assert.equal(canonicalPath('/a/../b?/../c', pathEnd('/a/../b?/../c')), '/b')
    assert.equal(canonicalPath('/a?/%zz', 2), '/a')
  })
})
