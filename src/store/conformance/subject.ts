/** What an adapter hands to the conformance suite, and the makers of what the tests store. */
import type { TestContext } from 'node:test'
import { newId } from '../../base/ids.ts'
import { PLAIN_SENDING } from '../../model/sending.ts'
import type { AttemptTrigger, Consumer, Delivery, Endpoint, Message } from '../../model/webhook.ts'
import type { NewDelivery, NewMessage, Settlement, Store } from '../port.ts'

export interface OpenedStore {
  /** Another caller of the same store, as another engine would be. */
  client(): Store
  close(): Promise<void>
}

/** An adapter under test. */
export interface Subject {
  /** Names a new, empty store (a file, a database) that is removed after the test. */
  create(t: TestContext): Promise<string>
  /** Opens the store of that name, again and again if need be. */
  open(location: string): Promise<OpenedStore>
  /** Where a child process finds the function that is `open` here. */
  readonly opener: { readonly module: URL; readonly name: string }
}

/** A fresh store that is closed after the test. */
export async function openFresh(subject: Subject, t: TestContext): Promise<OpenedStore> {
  const opened = await subject.open(await subject.create(t))
  t.after(() => opened.close())
  return opened
}

/** The time tests begin at; it goes on only when a test says so. */
export const START = 1_700_000_000_000
export const SILENT_MS = 1000

type Keys = Pick<NewMessage, 'idempotencyKey' | 'retryKey'>

/** A published message of `app_1` with one delivery for each endpoint, due now unless `leased`. */
export function newMessage(
  fields: Partial<Message> & Keys & { endpoints?: readonly string[]; leased?: boolean } = {},
): NewMessage {
  const { endpoints = ['ep_1'], leased = false, idempotencyKey, retryKey, ...rest } = fields
  const createdAt = rest.createdAt ?? START
  const message: Message = {
    id: newId('msg_', createdAt),
    consumerId: 'app_1',
    origin: null,
    eventType: 'cart.item_added',
    eventId: null,
    channels: null,
    tags: null,
    deliverAt: null,
    expiresAt: null,
    expunged: false,
    payload: new TextEncoder().encode('{"item":1}'),
    received: null,
    createdAt,
    ...rest,
  }
  const as = leased ? 'leased' : 'due'
  const deliveries = endpoints.map((endpointId): NewDelivery => ({ id: newId('dlv_', createdAt), endpointId, as }))
  return { message, deliveries, idempotencyKey, retryKey }
}

/** The end of an attempt of the first delivery of `sent`, or of the one to `endpointId`. */
export function settlement(
  sent: NewMessage,
  state: Settlement['state'],
  options: { nextAt?: number | null; endpointId?: string; id?: string; trigger?: AttemptTrigger } = {},
): Settlement {
  const delivery = sent.deliveries.find((d) => d.endpointId === (options.endpointId ?? d.endpointId))!
  return {
    attempt: {
      id: options.id ?? newId('atmpt_', START),
      deliveryId: delivery.id,
      messageId: sent.message.id,
      endpointId: delivery.endpointId,
      url: 'https://receiver.example/hook',
      status: state === 'delivered' ? 200 : 500,
      ok: state === 'delivered',
      failure: state === 'delivered' ? null : 'status',
      response: 'as answered',
      latencyMs: 12,
      trigger: options.trigger ?? 'scheduled',
      startedAt: START,
    },
    state,
    nextAt: options.nextAt ?? null,
  }
}

export function newConsumer(fields: Partial<Consumer> = {}): Consumer {
  return {
    id: newId('app_', START),
    uid: null,
    name: 'Shop',
    metadata: { plan: 'free' },
    ratePerSecondMax: null,
    createdAt: START,
    updatedAt: START,
    ...fields,
  }
}

export function newEndpoint(fields: Partial<Endpoint> = {}): Endpoint {
  return {
    id: newId('ep_', START),
    consumerId: 'app_1',
    uid: null,
    url: 'https://receiver.example/hook',
    description: '',
    eventTypes: null,
    channels: null,
    headers: {},
    metadata: {},
    secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    retiring: [],
    disabled: false,
    ratePerSecondMax: null,
    transformation: null,
    sending: PLAIN_SENDING,
    createdAt: START,
    updatedAt: START,
    ...fields,
  }
}

/** The only delivery of a message. */
export async function onlyDelivery(store: Store, { message }: NewMessage): Promise<Delivery> {
  const [delivery] = await store.listDeliveries(message.id)
  return delivery!
}
