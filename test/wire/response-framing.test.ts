/** Answers of upstreams that are broken, hostile or merely odd: never believed twice, never somebody else's answer (RFC 9112 §4, §6.3). */
import { ANSWERS } from '../../src/selftest/corpus/answers.ts'
import { answers } from './corpus.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

answers(rig, ANSWERS)

rig.checkRecords()
