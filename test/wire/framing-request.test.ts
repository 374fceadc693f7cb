/** Where a request ends, and how its lines do: what could be read in two ways is refused (RFC 9112 §2–§6). */
import { requestFraming } from '../../src/selftest/corpus/request-framing.ts'
import { requestLines } from '../../src/selftest/corpus/request-lines.ts'
import { HERE, requests } from './corpus.ts'
import { refusals } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

requests(rig, requestFraming(HERE))
requests(rig, requestLines(HERE))

refusals(rig, [
  {
    name: 'what is not quite the preface of HTTP/2',
    send: 'PRI * HTTP/2.0⏎X: y⏎⏎SM⏎⏎',
    status: 505,
    code: 'version-not-supported',
  },
])

rig.checkRecords()
