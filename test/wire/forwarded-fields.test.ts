/** The forwarded family of a client nobody trusts is dropped, and said anew by the gateway, once each. */
import { fields } from '../../src/selftest/corpus/fields.ts'
import { HERE, requests } from './corpus.ts'
import { forwardings } from './forwarded.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

requests(
  rig,
  fields(HERE).filter(({ id }) => id === 'P3'),
)

forwardings(rig, [
  {
    name: 'Host goes on as the client wrote it, and so says X-Forwarded-Host',
    send: 'GET /a HTTP/1.1⏎Host: Shop.Example:8080⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: Shop.Example:8080'] }],
  },
])

rig.checkRecords()
