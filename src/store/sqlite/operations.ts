/** Every call of the port as a function on the database, put together noun by noun. */
import type { DatabaseSync } from 'node:sqlite'
import { access } from './access.ts'
import { attempts } from './attempts.ts'
import { certificates } from './certificates.ts'
import { consumers } from './consumers.ts'
import { deliveries } from './deliveries.ts'
import { endpoints } from './endpoints.ts'
import { expiry } from './expiry.ts'
import { eventTypes } from './event-types.ts'
import { healths } from './health.ts'
import type { Listing } from './listing.ts'
import { listingOf } from './listing.ts'
import { messages } from './messages.ts'
import { pagerOf } from './pages.ts'
import type { Direct, ReadName, Walk, WalkName, WriteName } from './protocol.ts'
import { retention } from './retention.ts'
import { revisions } from './revisions.ts'
import type { Tally } from './tally.ts'
import { tallyOf } from './tally.ts'
import { surveys } from './surveys.ts'
import { tasks } from './tasks.ts'

/** `append` and `settle` take a batch and the number of the part to do; the others the arguments of the port. */
export interface Operations
  extends
    Pick<ReturnType<typeof messages>, 'append'>,
    Pick<ReturnType<typeof attempts>, 'settle'>,
    Directs<WriteName | ReadName>,
    Walks {
  readonly tally: Tally
  readonly listing: Listing
}

export type Directs<Names extends WriteName | ReadName> = { readonly [Name in Names]: Direct<Name> }
export type Walks = { readonly [Name in WalkName]: Walk<Name> }

export function operationsOn(db: DatabaseSync, path: string): Operations {
  const tally = tallyOf(db, path)
  const listing = listingOf(db)
  const pager = pagerOf(db)
  return {
    tally,
    listing,
    ...messages(db, pager, tally, listing),
    ...attempts(db, pager, tally, listing),
    ...deliveries(db, tally),
    ...consumers(db, pager, tally),
    ...endpoints(db, pager, tally),
    ...healths(db),
    ...retention(db, tally),
    ...eventTypes(db, pager),
    ...tasks(db, pager, tally, listing),
    countDeliveries: surveys(db).countDeliveries,
    ...access(db),
    ...expiry(db),
    ...revisions(db),
    ...certificates(db),
    stats: () => tally.stats(),
    // Cells were overwritten when they were freed (secure_delete); what is left of them is in the log.
    scrub: () => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
  }
}
