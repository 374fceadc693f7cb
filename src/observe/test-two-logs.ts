/** A process in which two write access records to one standard output, as engines do. `node test-two-logs.ts LINES`. */
import { systemClock } from '../base/clock.ts'
import { AccessLog, type AccessRecord } from './access-log.ts'

const record: AccessRecord = {
  reason: 'ok',
  detail: '',
  status: 200,
  clientAddress: '192.0.2.1',
  certificate: null,
  method: 'GET',
  host: '',
  path: `/${'cart'.repeat(20)}`,
  routeName: 'cart',
  consumerName: '',
  serviceName: '',
  instance: '',
  requestId: '',
  tries: 0,
  bytesIn: 12,
  bytesOut: 34,
  durationMs: 1,
}

const logs = ['first', 'second'].map((host) => ({ host, log: new AccessLog('stdout', systemClock) }))
for (let line = 0; line < Number(process.argv[2]); line++) {
  for (const { host, log } of logs) log.write({ ...record, host })
}
for (const { log } of logs) await log.close()
