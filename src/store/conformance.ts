/** What every adapter of the port must pass, run against the real database. */
import { describe } from 'node:test'
import { accessConforms } from './conformance/access.ts'
import { appendsConform } from './conformance/appends.ts'
import { certificatesConform } from './conformance/certificates.ts'
import { healthConforms } from './conformance/health.ts'
import { detailsConform } from './conformance/details.ts'
import { leasesConform } from './conformance/leases.ts'
import { listsConform } from './conformance/lists.ts'
import { modelConforms } from './conformance/model.ts'
import { resourcesConform } from './conformance/resources.ts'
import type { Subject } from './conformance/subject.ts'
import { retentionConforms } from './conformance/retention.ts'
import { survivalConforms } from './conformance/survival.ts'
import { tasksConform } from './conformance/tasks.ts'

/** Registers the suite for the adapter `name`; every test opens a store of its own. */
export function storeConformance(name: string, subject: Subject): void {
  describe(name, () => {
    appendsConform(subject)
    detailsConform(subject)
    leasesConform(subject)
    resourcesConform(subject)
    accessConforms(subject)
    healthConforms(subject)
    retentionConforms(subject)
    certificatesConform(subject)
    listsConform(subject)
    tasksConform(subject)
    modelConforms(subject)
    survivalConforms(subject)
  })
}
