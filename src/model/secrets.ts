/** Which texts of the nouns are secrets: what is sealed where they are kept. */
import type { DestinationAuth, Sending } from './sending.ts'
import type { Endpoint } from './webhook.ts'

type TextMap = (text: string) => string

/**
 * `endpoint` with every secret in it put through `map`: what signs, what authenticates, and the values of its headers and of its
 * transformation's variables, which only its owner knows to be harmless.
 */
export function mapSecrets(endpoint: Endpoint, map: TextMap): Endpoint {
  const { secrets, retiring, headers, transformation, sending } = endpoint
  return {
    ...endpoint,
    secrets: secrets.map(map),
    retiring: retiring.map(({ secret, until }) => ({ secret: map(secret), until })),
    headers: mapValues(headers, map),
    transformation: transformation && { ...transformation, variables: mapValues(transformation.variables, map) },
    sending: mapSending(sending, map),
  }
}

function mapSending(sending: Sending, map: TextMap): Sending {
  const { scheme, auth, clientCertificate } = sending
  if (scheme === null && auth === null && clientCertificate === null) return sending
  return {
    ...sending,
    scheme: scheme && { ...scheme, secrets: scheme.secrets.map(map) },
    auth: auth && mapAuth(auth, map),
    clientCertificate: clientCertificate && { ...clientCertificate, key: map(clientCertificate.key) },
  }
}

function mapAuth(auth: DestinationAuth, map: TextMap): DestinationAuth {
  switch (auth.kind) {
    case 'basic':
      return { ...auth, password: map(auth.password) }
    case 'bearer':
      return { ...auth, token: map(auth.token) }
    case 'header':
      return { ...auth, value: map(auth.value) }
    case 'oauth2':
      return { ...auth, clientSecret: map(auth.clientSecret) }
  }
}

function mapValues(values: Readonly<Record<string, string>>, map: TextMap): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]))
}
