/** References to variables: resolved once, escaped, or told as missing without their values. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveReferences } from './environment.ts'

const ENV = { KEY: 'secret', EMPTY: '', LOOP: '${KEY}', GONE: undefined }

function resolve(text: string): [string, string[]] {
  const wrong: string[] = []
  return [resolveReferences(text, ENV, (message) => wrong.push(message)), wrong]
}

test('references become values, once', () => {
  assert.deepEqual(resolve('a-${KEY}-${EMPTY}-b'), ['a-secret--b', []])
  assert.deepEqual(resolve('${LOOP}'), ['${KEY}', []])
  assert.deepEqual(resolve('$KEY $ {KEY}'), ['$KEY $ {KEY}', []])
})

test('an escape stands for the characters', () => {
  assert.deepEqual(resolve('$${KEY} ${KEY}'), ['${KEY} secret', []])
})

test('what cannot be resolved stays and is told', () => {
  for (const name of ['GONE', 'NEVER', 'toString'])
    assert.deepEqual(resolve(`x\${${name}}`), [`x\${${name}}`, [`the environment variable ${name} is not set`]])
  const [text, wrong] = resolve('${a-b} ${KEY')
  assert.equal(text, '${a-b} ${KEY')
  assert.equal(wrong.length, 2)
})
