/** How faults look: colours only when asked for, long lines cut, nothing that a terminal would obey. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from './fault.ts'
import { presentFaults } from './present.ts'

const FAULT: Fault = { path: 'routes.a', line: 2, column: 3, message: 'unknown key `a`', suggestion: 'b' }
const PLAIN = { file: 'postern.yaml', text: 'routes:\n  a: 1\n', level: 'error', color: false } as const

test('plain', () => {
  assert.equal(
    presentFaults([FAULT], PLAIN),
    ['postern.yaml:2:3: error: unknown key `a`', '  2 |   a: 1', '    |   ^ routes.a', '      did you mean `b`?'].join(
      '\n',
    ),
  )
  assert.equal(presentFaults([], PLAIN), '')
})

test('coloured says the same', () => {
  const coloured = presentFaults([FAULT], { ...PLAIN, color: true })
  assert.notEqual(coloured, presentFaults([FAULT], PLAIN))
  // oxlint-disable-next-line no-control-regex
  assert.equal(coloured.replace(/\u001B\[\d+m/g, ''), presentFaults([FAULT], PLAIN))
})

test('the caret stands under its column in a cut line too', () => {
  for (const column of [1, 50, 91, 92, 500, 1000]) {
    const text = `${'a'.repeat(column - 1)}X${'b'.repeat(300)}`
    const fault = { path: '', line: 1, column, message: 'm' }
    const [, source = '', caret = ''] = presentFaults([fault], { ...PLAIN, text }).split('\n')
    assert.equal(source.indexOf('X'), caret.indexOf('^'), String(column))
    assert.ok(source.length < 140)
  }
})

test('control characters are not passed on', () => {
  const text = 'a: \u001B[31m\u202Ered\r'
  const shown = presentFaults([{ path: 'a\u0007', line: 1, column: 1, message: 'b\u009B' }], { ...PLAIN, text })
  assert.doesNotMatch(shown.replaceAll('\n', ''), /\p{Cc}|\p{Cf}/u)
})

test('a place outside the text is still told', () => {
  assert.match(presentFaults([{ ...FAULT, line: 99 }], PLAIN), /^postern\.yaml:99:3: error/)
})
