/** The shape of what is said about deliveries: when they are tried again, until when, and what becomes of a receiver that fails. */
import { z } from 'zod'
import type { RetrySpec } from '../model/gateway.ts'
import { duration, leaf } from './leaves.ts'
import { parseLongDuration } from './units.ts'

const ATTEMPTS_MAX = 100

const kept = z
  .union([z.literal('forever'), leaf('a time of at most a year: 30d, 366d', parseLongDuration)], {
    error: 'must be forever, or a time of at most a year: 30d, 366d',
  })
  .transform((value) => (value === 'forever' ? 0 : value))

export const retention = z
  .strictObject({
    messages: kept.prefault('90d').describe('Messages with their deliveries, once nothing of them waits any more.'),
    attempts: kept.prefault('90d').describe('Attempts; they go with their message at the latest.'),
  })
  .prefault({})
  .describe('How long what was sent and received is kept.')

const list = z.array(duration(0)).max(ATTEMPTS_MAX)

const growing = z.strictObject({
  first: duration(1).describe('Delay before the second attempt.'),
  factor: z.number().min(1).max(10).default(3).describe('Each further delay is so many times the one before.'),
  max: duration(1).prefault('12h').describe('No delay is longer.'),
  attempts: z.number().int().min(1).max(ATTEMPTS_MAX).default(10).describe('Attempts in all.'),
})

/** Delays that grow as described, one for each attempt after the first; a list as it is. */
const schedule = z.union([
  list,
  growing.transform(({ first, factor, max, attempts }) =>
    Array.from({ length: attempts - 1 }, (_, i) => Math.round(Math.min(max, first * factor ** i))),
  ),
])

const retryKeys = {
  schedule: schedule.optional().describe('Delays before the second attempt, the third, …; or how they grow.'),
  jitter: z
    .enum(['full', 'proportional'])
    .optional()
    .describe(
      'full: each delay is anything up to the one of the schedule; proportional (the default): 20 % more or less.',
    ),
  expire: duration(1).optional().describe('A message so old is not attempted any more.'),
}

/** Of one event type; what it does not say is as for all. */
export const eventRetries = z.strictObject(retryKeys).transform(({ schedule, jitter, expire }): Partial<RetrySpec> => ({
  ...(schedule === undefined ? {} : { scheduleMs: schedule }),
  ...(jitter === undefined ? {} : { jitter }),
  ...(expire === undefined ? {} : { expireMs: expire }),
}))

export const delivery = z
  .strictObject({
    ...retryKeys,
    timeout: duration(1).prefault('15s').describe('One bound over a whole attempt.'),
    breaker: z
      .strictObject({
        failures: z
          .number()
          .int()
          .min(1)
          .max(1_000)
          .default(10)
          .describe('So many in a row, and a receiver is left alone.'),
        pause: duration(1).prefault('10s').describe('For so long at first; twice as long after each probe that fails.'),
        'pause-max': duration(1).prefault('5m'),
      })
      .prefault({}),
    'disable-after': z
      .union([z.literal('never'), duration(1)], {
        error: 'must be never, or a duration of at most 24 days: 5s, 1h, 3d',
      })
      .prefault('5d')
      .describe('An endpoint that has done nothing but fail for so long is disabled.'),
    'warn-after': z
      .array(duration(0))
      .max(10)
      .prefault(['1h', '1d', '3d'])
      .describe('When its owner is told before that.'),
  })
  .prefault({})
