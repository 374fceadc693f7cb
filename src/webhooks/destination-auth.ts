/** Who we are to endpoints: the header that says it, and tokens that are fetched once, kept, and fetched anew before they end. */
import type { Clock } from '../base/clock.ts'
import type { DestinationAuth, OAuth2Auth } from '../model/sending.ts'
import { call } from '../upstream/call.ts'
import type { AddressGuard } from '../wire/address-guard.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import type { Pools } from '../wire/pool.ts'

export interface AuthHeader {
  readonly name: string
  readonly value: string
}

interface Token extends AuthHeader {
  /** From then on another is fetched, on the monotonic clock, ms. */
  readonly staleAt: number
}

export interface AuthDeps {
  readonly clock: Clock
  readonly pools: Pools
  readonly guard: AddressGuard
}

const ANSWER_BYTES_MAX = 65_536
/** Of a token whose server does not say how long it lasts. */
const LIFETIME_SEC = 300
const LIFETIME_SEC_MAX = 86_400

/** There is no token; the message says why and holds nothing secret. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

export class DestinationAuths {
  private readonly deps: AuthDeps
  /** By what it takes to get one: endpoints that say the same share a token. */
  private readonly tokens = new Map<string, Token>()
  private readonly fetching = new Map<string, Promise<Token>>()

  constructor(deps: AuthDeps) {
    this.deps = deps
  }

  /** At once unless a token has to be fetched. Rejects with TokenRefused. */
  headerFor(auth: DestinationAuth, timeoutMs: number): AuthHeader | Promise<AuthHeader> {
    if (auth.kind !== 'oauth2') return staticHeader(auth)
    const key = JSON.stringify(auth)
    const kept = this.tokens.get(key)
    if (kept !== undefined && this.deps.clock.elapsed() < kept.staleAt) return kept
    let fetching = this.fetching.get(key)
    if (fetching === undefined) {
      fetching = this.fetch(auth, timeoutMs).finally(() => this.fetching.delete(key))
      this.fetching.set(key, fetching)
      fetching.then(
        (token) => this.keep(key, token),
        () => {}, // whoever waits hears it
      )
    }
    return fetching
  }

  /** The endpoint has refused `header`: another token is fetched for the next attempt, unless one has been. */
  refused(auth: DestinationAuth, header: AuthHeader): void {
    if (auth.kind !== 'oauth2') return
    const key = JSON.stringify(auth)
    if (this.tokens.get(key) === header) this.tokens.delete(key)
  }

  private keep(key: string, token: Token): void {
    const now = this.deps.clock.elapsed()
    for (const [other, { staleAt }] of this.tokens) if (staleAt <= now) this.tokens.delete(other)
    this.tokens.set(key, token)
  }

  private fetch(auth: OAuth2Auth, timeoutMs: number): Promise<Token> {
    const { pools, guard, clock } = this.deps
    const url = new URL(auth.tokenUrl)
    const pool = pools.of(url.origin, guard)
    if (pool.refusal() !== null) return Promise.reject(new TokenRefused('its server may not be called'))
    const { body, authorization } = tokenRequest(auth)
    const lines = new OutgoingHead()
    lines.appendOwn('Host', url.host)
    lines.appendOwn('Accept', 'application/json')
    lines.appendOwn('Content-Type', 'application/x-www-form-urlencoded')
    lines.appendOwn('Content-Length', String(body.length))
    if (authorization !== '') lines.appendOwn('Authorization', authorization)
    const timeouts = { connectMs: timeoutMs, firstByteMs: timeoutMs, idleMs: timeoutMs, totalMs: timeoutMs }
    const outbound = {
      method: 'POST',
      target: url.pathname + url.search,
      host: url.host,
      headers: lines,
      chunked: false,
      upgrade: '',
      takesTrailers: false,
    }
    return new Promise((resolve, reject) => {
      call(pool, { request: outbound, body, timeouts, keepBytes: ANSWER_BYTES_MAX }, (result) => {
        if (result.failure !== null) return reject(new TokenRefused(result.failure))
        const token = result.status === 200 ? readToken(result.body, clock.elapsed()) : null
        if (token === null) return reject(new TokenRefused(`its server answered ${result.status} without a token`))
        resolve(token)
      })
    })
  }
}

function staticHeader(auth: Exclude<DestinationAuth, OAuth2Auth>): AuthHeader {
  switch (auth.kind) {
    case 'basic':
      return { name: 'Authorization', value: basic(auth.username, auth.password) }
    case 'bearer':
      return { name: 'Authorization', value: `Bearer ${auth.token}` }
    case 'header':
      return auth
  }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

function tokenRequest({ clientId, clientSecret, scope, audience, clientAuth }: OAuth2Auth) {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== '') form.set('scope', scope)
  if (audience !== '') form.set('audience', audience)
  if (clientAuth === 'body') {
    form.set('client_id', clientId)
    form.set('client_secret', clientSecret)
  }
  // Form-encoded before they are put together (RFC 6749 §2.3.1).
  const encoded = (text: string) => new URLSearchParams({ _: text }).toString().slice(2)
  const authorization = clientAuth === 'basic' ? basic(encoded(clientId), encoded(clientSecret)) : ''
  return { body: Buffer.from(form.toString()), authorization }
}

/** A Bearer token as RFC 6749 §5.1 has it; null for anything else. */
function readToken(body: string, nowMs: number): Token | null {
  let answer: Readonly<Record<string, unknown>> | null
  try {
    answer = JSON.parse(body)
  } catch {
    return null
  }
  const { access_token: token, token_type: type, expires_in: expires } = answer ?? {}
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return null
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return null
  const told = Number(expires)
  const lifetimeSec = Number.isFinite(told) && told > 0 ? Math.min(told, LIFETIME_SEC_MAX) : LIFETIME_SEC
  // A tenth early, at most a minute: it has to be valid when it arrives.
  const staleAt = nowMs + 1_000 * (lifetimeSec - Math.min(60, lifetimeSec / 10))
  return { name: 'Authorization', value: `Bearer ${token}`, staleAt }
}
