/** Orders one certificate: says who we are, shows that the name is ours, sends a key of its own to be signed (RFC 8555 §7.1). */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import * as acme from 'acme-client'
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import type { AcmeSpec } from '../model/tls.ts'
import type { ChallengeAnswer, Challenges } from './challenges.ts'
import { CaRefusal, CaUnreachable } from './failure.ts'
import { transport } from './transport.ts'

/** How often the CA is asked how far it is: at first soon, for most need no second. */
const ASK_MS = [250, 500, 1_000, 2_000, 3_000, 5_000]
/** A CA that has not made up its mind after so many is given up for this time: some five minutes. */
const ASK_MAX = 64

const FAULT = z.object({ type: z.string().default(''), detail: z.string().default('') })

export interface Issued {
  /** PEM. */
  readonly chain: string
  readonly key: string
  readonly expiresAt: number
}

export class Ca {
  private readonly spec: AcmeSpec
  private readonly client: acme.Client
  private readonly signal: AbortSignal
  private account: Promise<unknown> | null = null

  /** `signal` ends whatever is under way. There is one at a time: acme-client's way out is one for all of a process. */
  constructor(spec: AcmeSpec, accountKey: string, clock: Clock, signal: AbortSignal) {
    this.spec = spec
    this.signal = signal
    acme.axios.defaults.adapter = transport(spec.ca, clock, signal)
    const { account } = spec
    this.client = new acme.Client({
      directoryUrl: spec.directory,
      accountKey,
      ...(account === null ? {} : { externalAccountBinding: { kid: account.keyId, hmacKey: account.macKey } }),
    })
  }

  /** PEM. */
  static async newKey(): Promise<string> {
    return String(await acme.crypto.createPrivateEcdsaKey('P-256'))
  }

  /** Rejects with CaRefusal or CaUnreachable. `lost` ends it early. */
  async order(name: string, challenges: Challenges, lost: AbortSignal): Promise<Issued> {
    const { client } = this
    const wanted: string = this.spec.challenge
    await this.register()
    const order = await client.createOrder({ identifiers: [{ type: 'dns', value: name }] })
    for (const authorization of await client.getAuthorizations(order)) {
      if (authorization.status === 'valid') continue
      const challenge = authorization.challenges.find(({ type }) => type === wanted)
      if (challenge === undefined) throw new CaRefusal(`the CA does not offer ${wanted} for ${name}`)
      const text = await client.getChallengeKeyAuthorization(challenge)
      await challenges.during(await this.answer(authorization, challenge.token, text), async () => {
        await client.completeChallenge(challenge)
        await this.until(lost, async () => (await client.getAuthorizations(order)).every(isProved))
      })
    }
    const [key, request] = await acme.crypto.createCsr({ altNames: [name] }, await Ca.newKey())
    await this.until(lost, async () => isReached(await client.getOrder(order), 'ready', 'valid'))
    await client.finalizeOrder(order, request)
    await this.until(lost, async () => isReached(await client.getOrder(order), 'valid'))
    return issued(name, await client.getCertificate(await client.getOrder(order)), String(key))
  }

  /** Once: a CA that knows the key already changes the address it writes to. */
  private register(): Promise<unknown> {
    const { email } = this.spec
    const contact = email === '' ? {} : { contact: [`mailto:${email}`] }
    this.account ??= this.client.createAccount({ termsOfServiceAgreed: true, ...contact })
    return this.account
  }

  private async answer(authorization: acme.Authorization, token: string, text: string): Promise<ChallengeAnswer> {
    if (this.spec.challenge === 'http-01') return { token, text }
    const [key, chain] = await acme.crypto.createAlpnCertificate(authorization, text, await Ca.newKey())
    const { value } = authorization.identifier
    return { certificate: { hosts: [value.toLowerCase()], chain: String(chain), key: String(key) } }
  }

  private async until(lost: AbortSignal, isDone: () => Promise<boolean>): Promise<void> {
    const signal = AbortSignal.any([this.signal, lost])
    for (let asked = 0; asked < ASK_MAX; asked++) {
      if (await isDone()) return
      await delay(ASK_MS[Math.min(asked, ASK_MS.length - 1)], undefined, { signal })
    }
    throw new CaUnreachable('the CA has not decided in five minutes')
  }
}

/** False: not yet. Throws what the CA found. */
function isProved({ status, challenges, identifier }: acme.Authorization): boolean {
  if (status === 'valid') return true
  if (status === 'pending') return false
  throw refusalOf(
    challenges.find(({ error }) => error !== undefined)?.error,
    `the CA finds ${identifier.value} ${status}`,
  )
}

function isReached(order: acme.Order, ...wanted: readonly acme.Order['status'][]): boolean {
  if (order.status === 'invalid') throw refusalOf(order.error, 'the CA finds the order invalid')
  return wanted.includes(order.status)
}

function refusalOf(error: unknown, otherwise: string): CaRefusal {
  const said = FAULT.safeParse(error)
  const { type, detail } = said.success ? said.data : { type: '', detail: '' }
  return new CaRefusal(detail === '' ? otherwise : detail, type)
}

/** What came must be what was asked for: it is shown to everybody from now on. */
function issued(name: string, chain: string, key: string): Issued {
  const certificate = new X509Certificate(chain)
  if (certificate.checkHost(name) === undefined || !certificate.checkPrivateKey(createPrivateKey(key)))
    throw new CaRefusal('the CA has sent another certificate than was ordered')
  return { chain, key, expiresAt: certificate.validToDate.getTime() }
}
