/** What h2load says is read right. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHttp2 } from './h2load.ts'

const OUTPUT = `Application protocol: h2
finished in 2.00s, 12345.50 req/s, 3.41MB/s
requests: 24947 total, 24947 started, 24691 done, 24690 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 24690 2xx, 0 3xx, 0 4xx, 0 5xx
`

test('requests, rate and errors are found', () => {
  assert.deepEqual(parseHttp2(OUTPUT), { requests: 24_691, perSecond: 12_345.5, errors: 2 })
})

test('another protocol than HTTP/2, or no summary, is an error that shows what was said', () => {
  assert.throws(() => parseHttp2(OUTPUT.replace('protocol: h2', 'protocol: http/1.1')), /protocol: http\/1\.1/)
  assert.throws(() => parseHttp2('unable to connect'), /unable to connect/)
})
