/** Who calls, by what is shown: API keys are known by hash, so that a heap dump is no list of keys; certificates by their names. */
import { hash } from 'node:crypto'
import type { ConsumerSpec } from '../model/gateway.ts'
import type { ConsumerIdentity } from '../pipeline/exchange.ts'
import type { ClientCertificate } from '../wire/client-tls.ts'

export class Consumers {
  private readonly byKey = new Map<string, ConsumerIdentity>()
  private readonly bySubject = new Map<string, ConsumerIdentity>()
  private readonly byName = new Map<string, ConsumerIdentity>()

  constructor(consumers: Readonly<Record<string, ConsumerSpec>>) {
    for (const { name, apiKeys, certificates } of Object.values(consumers)) {
      const identity = { name }
      for (const key of apiKeys) this.byKey.set(digest(key), identity)
      for (const one of certificates) {
        if ('subject' in one) this.bySubject.set(one.subject, identity)
        else this.byName.set(one.san, identity)
      }
    }
  }

  ofKey(apiKey: string): ConsumerIdentity | null {
    return this.byKey.get(digest(apiKey)) ?? null
  }

  /** One whose names lead to several consumers is nobody's. */
  ofCertificate({ subject, names }: ClientCertificate): ConsumerIdentity | null {
    let found = this.bySubject.get(subject) ?? null
    for (const name of names) {
      const named = this.byName.get(name) ?? null
      if (named === null || named === found) continue
      if (found !== null) return null
      found = named
    }
    return found
  }
}

function digest(key: string): string {
  return hash('sha256', key, 'base64')
}
