/** The slice of a member is the member: the same value for every JSON text, and the same characters. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { memberText } from './payload-span.ts'

test('the slice of any JSON object, however it is spaced, parses to the member', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.constantFrom(0, 1, 2),
      (rest, payload, indent) => {
        const text = JSON.stringify({ ...rest, payload, after: rest }, null, indent)
        assert.deepEqual(JSON.parse(memberText(text, 'payload')!), JSON.parse(JSON.stringify(payload)))
      },
    ),
  )
})

test('what parsing and writing again would change stays as written', () => {
  const payload = '{ "id": 12345678901234567890, "price": 1.0, "big": 1e400, "\\u0061": "\\ud83d\\ude00" }'
  assert.equal(memberText(`{"eventType":"a","payload":${payload}}`, 'payload'), payload)
})

test('a member that is nested, or a string that looks like one, is not taken', () => {
  const text = '{"x":{"payload":1},"y":"\\"payload\\":2,","payload" : [3, "]"] , "z":{"payload":4}}'
  assert.equal(memberText(text, 'payload'), '[3, "]"]')
})

test('of a member that is there twice the last counts, as in JSON.parse; escaped names are names', () => {
  assert.equal(memberText('{"payload":1,"payl\\u006fad":{"a":"\\\\"}}', 'payload'), '{"a":"\\\\"}')
})

test('an object without the member has none', () => {
  assert.equal(memberText(' {} ', 'payload'), null)
  assert.equal(memberText('{"a":"\\\\\\"", "b":[[]], "c":-1.5e3}', 'payload'), null)
})
