/** A store whose secrets are sealed on their way in and opened on their way out: beneath it nobody sees one. */
import { mapSecrets } from '../model/secrets.ts'
import type { OrderedCertificate } from '../model/tls.ts'
import type { Endpoint } from '../model/webhook.ts'
import type { Store } from './port.ts'
import type { Vault } from './vault.ts'

const endpointPlace = ({ id }: Endpoint): string => `endpoint ${id}`
const certificatePlace = ({ issuer, name }: OrderedCertificate): string => `certificate ${issuer} ${name}`
const settingPlace = (key: string): string => `setting ${key}`

export function sealed(store: Store, vault: Vault): Store {
  const openEndpoint = (one: Endpoint) => mapSecrets(one, (text) => vault.open(text, endpointPlace(one)))
  const openCertificate = (one: OrderedCertificate) => ({ ...one, key: vault.open(one.key, certificatePlace(one)) })
  const openSetting = (key: string, value: string) => vault.open(value, settingPlace(key))
  return {
    ...store,
    putEndpoint: (one) => store.putEndpoint(mapSecrets(one, (text) => vault.seal(text, endpointPlace(one)))),
    async getEndpoint(consumerId, idOrUid) {
      const found = await store.getEndpoint(consumerId, idOrUid)
      return found && openEndpoint(found)
    },
    listEndpoints: async (consumerId, page) => (await store.listEndpoints(consumerId, page)).map(openEndpoint),
    allEndpoints: async () => (await store.allEndpoints()).map(openEndpoint),
    putCertificate: (one) => store.putCertificate({ ...one, key: vault.seal(one.key, certificatePlace(one)) }),
    async getCertificate(issuer, name) {
      const found = await store.getCertificate(issuer, name)
      return found && openCertificate(found)
    },
    allCertificates: async () => (await store.allCertificates()).map(openCertificate),
    async getSetting(key) {
      const value = await store.getSetting(key)
      return value === null ? null : openSetting(key, value)
    },
    allSettings: async () => (await store.allSettings()).map(([key, value]) => [key, openSetting(key, value)]),
    initSetting: async (key, value) =>
      openSetting(key, await store.initSetting(key, vault.seal(value, settingPlace(key)))),
    putSetting: (key, value) => store.putSetting(key, vault.seal(value, settingPlace(key))),
  }
}

/**
 * Seals what `store` (without a vault before it) keeps plain or under an older key; returns how many things that were. Nobody else may
 * write them meanwhile.
 */
export async function resealAll(store: Store, vault: Vault): Promise<number> {
  const behind = sealed(store, vault)
  let count = 0
  for (const one of await store.allEndpoints()) {
    let isCurrent = true
    mapSecrets(one, (text) => {
      if (!vault.isCurrent(text)) isCurrent = false
      return text
    })
    if (isCurrent) continue
    await behind.putEndpoint(mapSecrets(one, (text) => vault.open(text, endpointPlace(one))))
    count++
  }
  for (const one of await store.allCertificates()) {
    if (vault.isCurrent(one.key)) continue
    await behind.putCertificate({ ...one, key: vault.open(one.key, certificatePlace(one)) })
    count++
  }
  for (const [key, value] of await store.allSettings()) {
    if (vault.isCurrent(value)) continue
    await behind.putSetting(key, vault.open(value, settingPlace(key)))
    count++
  }
  if (count > 0) await store.scrub()
  return count
}
