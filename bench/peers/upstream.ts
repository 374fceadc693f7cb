/** nginx as the upstream that all gateways stand in front of, on the core of the load. */
import { LOAD_CORE } from '../machine.ts'
import { temporaryFolder } from '../processes.ts'
import { startNginx } from './nginx-config.ts'
import type { Upstream } from './peer.ts'

/** 212 bytes of JSON. */
const ANSWER = JSON.stringify({
  id: 'usr_2n5kq8',
  name: 'Example Person',
  email: 'person@shop.example',
  roles: ['customer', 'reviewer'],
  address: { street: '1 Example Street', city: 'Utrecht', country: 'NL' },
  created: '2024-05-01T12:00:00Z',
}).padEnd(212)

export function startUpstream(): Promise<Upstream> {
  const server = `location / { default_type application/json; return 200 '${ANSWER}'; }`
  return startNginx({ folder: temporaryFolder() }, { http: 'access_log off;', server }, LOAD_CORE)
}
