/** What may be published: the event types as an engine knows them, asked only where the configuration says that they count. */
import type { PublishingRules } from '../model/gateway.ts'
import type { EventType } from '../model/webhook.ts'
import { compileSchema, type PayloadFault, type Validate } from './payload-schema.ts'

/** What is wrong with a message, and in which of its fields. */
export interface MessageFault extends PayloadFault {
  readonly field: 'eventType' | 'payload'
}

export interface CatalogueChange {
  readonly eventTypes?: readonly EventType[] | undefined
  /** Names. */
  readonly removedEventTypes?: readonly string[] | undefined
}

export class Catalogue {
  rules: PublishingRules = { unknownEvents: 'accept', invalidPayloads: 'accept' }
  private readonly types = new Map<string, EventType>()
  /** By name; made when first needed. */
  private readonly validators = new Map<string, Validate | null>()

  apply({ eventTypes = [], removedEventTypes = [] }: CatalogueChange): void {
    for (const type of eventTypes) this.types.set(type.name, type)
    for (const name of removedEventTypes) this.types.delete(name)
    for (const name of [...eventTypes.map((type) => type.name), ...removedEventTypes]) this.validators.delete(name)
  }

  /** Knows nothing but these from now on. */
  replace(eventTypes: readonly EventType[]): void {
    this.types.clear()
    this.validators.clear()
    this.apply({ eventTypes })
  }

  /** What anybody may know: without those that are archived, or shown to some alone. */
  published(): { readonly name: string; readonly description: string; readonly schema: unknown }[] {
    return [...this.types.values()]
      .filter(({ archived, featureFlags }) => !archived && featureFlags.length === 0)
      .map(({ name, description, schema }) => ({ name, description, schema }))
  }

  /** Why a message may not be published; null when it may. `payload` is its text, read only when it counts. */
  fault(eventType: string, payload: string): MessageFault | null {
    const { unknownEvents, invalidPayloads } = this.rules
    const type = this.types.get(eventType)
    if (unknownEvents === 'refuse' && (type === undefined || type.archived)) {
      const msg = type === undefined ? 'There is no such event type.' : 'This event type is archived.'
      return { field: 'eventType', path: [], msg }
    }
    if (invalidPayloads === 'accept' || type === undefined) return null
    let fault: PayloadFault | null
    try {
      fault = this.validator(type)?.(JSON.parse(payload)) ?? null
    } catch (error) {
      // Asked to let nothing through that the schema does not allow, we let nothing through.
      fault = { path: [], msg: error instanceof SyntaxError ? 'is not JSON' : 'The schema of this event type is none.' }
    }
    return fault === null ? null : { field: 'payload', ...fault }
  }

  private validator(type: EventType): Validate | null {
    let known = this.validators.get(type.name)
    if (known === undefined) this.validators.set(type.name, (known = compileSchema(type.schema)))
    return known
  }
}
