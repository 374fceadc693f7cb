/** The forwarded family of a client nobody trusts is dropped, and said anew by the gateway, once each. */
import { forwardings } from './forwarded.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

forwardings(rig, [
  ...[
    'X-Forwarded-For: 203.0.113.7',
    'x-forwarded-for: 203.0.113.7',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Prefix: /admin',
    'X-Forwarded-Server: evil.example',
    'X-Forwarded-Client-Cert: Hash=0',
    'X-Forwarded-Anything: 1',
    'X-Real-IP: 203.0.113.7',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
    'Forwarded: for=203.0.113.7;proto=https;host=evil.example',
    'X_Forwarded_For: 203.0.113.7',
    'X_Forwarded_Proto: https',
    'X-Forwarded_Host: evil.example',
  ].map((line) => ({
    name: `dropped: ${line}`,
    send: `GET /a HTTP/1.1⏎Host: a⏎${line}⏎X: y⏎⏎`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', 'X: y'] }],
  })),
  {
    name: 'dropped: all of them, twice',
    send:
      'GET /a HTTP/1.1⏎Host: a⏎X-Forwarded-For: 1.1.1.1⏎X-Forwarded-Proto: https⏎X-Forwarded-Host: b⏎Forwarded: for=1.1.1.1⏎' +
      'X-Forwarded-For: 2.2.2.2⏎X-Forwarded-Proto: wss⏎X-Forwarded-Host: c⏎Forwarded: for=2.2.2.2⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'dropped: 200 addresses in one line',
    send: `GET /a HTTP/1.1⏎Host: a⏎X-Forwarded-For: ${Array.from({ length: 200 }, () => '203.0.113.7').join(', ')}⏎⏎`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'Host goes on as the client wrote it, and so says X-Forwarded-Host',
    send: 'GET /a HTTP/1.1⏎Host: Shop.Example:8080⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: Shop.Example:8080'] }],
  },
])

rig.checkRecords()
