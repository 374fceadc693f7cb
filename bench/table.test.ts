/** Tables line up and verdicts say met or missed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { figure, table, verdictLine } from './table.ts'

test('names are aligned left, figures right, however wide a title is', () => {
  const rows = [{ cells: ['nginx', '19.2'] }, { cells: ['@fastify/http-proxy', '129.5'], invalid: true }]
  const text = stripVTControlCharacters(table(['server', 'µs'], rows))
  assert.deepEqual(text.split('\n'), [
    'server                  µs',
    'nginx                 19.2',
    '@fastify/http-proxy  129.5',
  ])
})

function judged(met: boolean | null): string {
  return stripVTControlCharacters(verdictLine({ target: 'CPU ≤ 1.6 × nginx', met, measured: '1.71 ×' }))
}

test('a missed target says so, and one that was not measured is not called missed', () => {
  assert.equal(judged(false), 'missed  CPU ≤ 1.6 × nginx: 1.71 ×')
  assert.match(judged(true), /^met /)
  assert.equal(judged(null), 'not measured  CPU ≤ 1.6 × nginx')
})

test('what was not measured has a dash in place of a figure', () => {
  assert.equal(figure(Number.NaN, 1), '–')
  assert.equal(figure(12_345.67, 1), '12,345.7')
})
