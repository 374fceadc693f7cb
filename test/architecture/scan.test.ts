/** The scanner finds code where code is and texts where texts are; every rule stands on that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, scan } from './scan.ts'

const kinds = (source: string): string[] => scan(source).map(({ kind, text }) => `${kind} ${text}`)
const specifiers = (source: string): (string | null)[] => importsOf(scan(source)).map(({ specifier }) => specifier)
const erased = (source: string): boolean[] => importsOf(scan(source)).map(({ typeOnly }) => typeOnly)

test('comments, texts, templates and patterns are told from code', () => {
  const cases: ReadonlyArray<readonly [string, readonly string[]]> = [
    ["a = 'b // c' // d", ['word a', 'mark =', 'text b // c', 'comment // d']],
    ['a /* "b */ c', ['word a', 'comment /* "b */', 'word c']],
    ["'a\\'b' \"c'd\"", ["text a\\'b", "text c'd"]],
    ['`a${b}c`', ['template a', 'word b', 'template c']],
    ['`${`${a}`}` + {}', ['template ', 'template ', 'word a', 'template ', 'template ', 'mark +', 'mark {', 'mark }']],
    ['`${{ a: 1 }}`', ['template ', 'mark {', 'word a', 'mark :', 'number 1', 'mark }', 'template ']],
    ['`\\`$ \\${a}`', ['template \\`$ \\${a}']],
    ['return /[\'"/]/u', ['word return', 'pattern /[\'"/]/u']],
    ["x = /[/']/", ['word x', 'mark =', "pattern /[/']/"]],
    ["a! / 2 / 'b'", ['word a', 'mark !', 'mark /', 'number 2', 'mark /', 'text b']],
    ['!/a/.b', ['mark !', 'pattern /a/', 'mark .', 'word b']],
    ["(a) / b / '/'", ['mark (', 'word a', 'mark )', 'mark /', 'word b', 'mark /', 'text /']],
    ['#!/usr/bin/env node\nthis.#a', ['comment #!/usr/bin/env node', 'word this', 'mark .', 'word #a']],
  ]
  for (const [source, expected] of cases) assert.deepEqual(kinds(source), expected, source)
})

test('tokens know their line', () => {
  assert.deepEqual(
    scan('a\n/* b\n*/ c `d\n${e}`').map(({ line }) => line),
    [1, 2, 3, 3, 4, 4],
  )
})

test('a source that was misread is an error, never a shorter list', () => {
  for (const source of ["a = 'b\n", 'a = `b', '{ a']) assert.throws(() => scan(source), source)
})

test('every form of import is found, and nothing that only looks like one', () => {
  const cases: ReadonlyArray<readonly [string, readonly (string | null)[]]> = [
    ["import { a } from './a.ts'", ['./a.ts']],
    ["import a, { type B } from\n  './a.ts'", ['./a.ts']],
    ["import type { A } from './a.ts'", ['./a.ts']],
    ["import * as a from './a.ts'", ['./a.ts']],
    ["import './a.ts'", ['./a.ts']],
    ["export * from './a.ts'; export { b } from './b.ts'", ['./a.ts', './b.ts']],
    ["export type { A } from './a.ts'", ['./a.ts']],
    ["const a = await import('./a.ts')", ['./a.ts']],
    ["let a: import('./a.ts').A", ['./a.ts']],
    ['import(`./a.ts`)', [null]],
    ['import(`./${a}.ts`)', [null]],
    ['import(a)', [null]],
    ['`${from} a`', []],
    ["const a = require('./a.ts')", ['./a.ts']],
    ["new Worker(new URL('./a.ts', import.meta.url))", ['./a.ts']],
    ["new URL(import.meta.url.endsWith('.ts') ? './a.ts' : './a.js', import.meta.url)", ['./a.ts', './a.js']],
    ["new URL(\n'./a.ts',\nimport.meta.url,\n)", ['./a.ts']],
    ["new URL('./a.ts', base)", []],
    ["// import './a.ts'\n/* from './b.ts' */ const a = \"import './c.ts'\"", []],
    ["Array.from('a'); x.import('./a.ts'); from('b')", []],
  ]
  for (const [source, expected] of cases) assert.deepEqual(specifiers(source), expected, source)
})

test('an import that is erased is told from one that loads', () => {
  const cases: ReadonlyArray<readonly [string, readonly boolean[]]> = [
    ["import type { A } from './a.ts'", [true]],
    ["import type A from './a.ts'", [true]],
    ["import type * as a from './a.ts'", [true]],
    ["export type { A } from './a.ts'", [true]],
    ["export type A = string\nexport * from './a.ts'", [false]],
    ["import { type A } from './a.ts'", [false]],
    ["import type from './a.ts'", [false]],
    ["import type, { a } from './a.ts'", [false]],
    ["import './a.ts'", [false]],
    ["await import('./a.ts')", [false]],
    ["import type { A } from './a.ts'\nimport { b } from './b.ts'", [true, false]],
  ]
  for (const [source, expected] of cases) assert.deepEqual(erased(source), expected, source)
})
