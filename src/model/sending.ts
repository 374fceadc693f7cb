/** How an endpoint is called beyond its URL: what else signs, who we are to it, and what it gets of a message. Plain data. */

/** A scheme of the signature engine that signs as well: `stripe`, `github`, …. */
export interface SchemeSigning {
  readonly provider: string
  /** As the provider writes them; empty: the endpoint's own secrets, taken as text. */
  readonly secrets: readonly string[]
}

/** `plain` is the payload as published; the others make a CloudEvent of it (CloudEvents 1.0.2, HTTP binding §3). */
export type DeliveryFormat = 'plain' | 'cloudevents-structured' | 'cloudevents-binary'

/** Who we are to an endpoint. */
export type DestinationAuth =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | OAuth2Auth

/** Client credentials (RFC 6749 §4.4). */
export interface OAuth2Auth {
  readonly kind: 'oauth2'
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** Empty: not asked for. */
  readonly scope: string
  readonly audience: string
  /** How the client shows who it is: in `Authorization`, or in the form (RFC 6749 §2.3.1). */
  readonly clientAuth: 'basic' | 'body'
}

/** PEM. */
export interface ClientCertificatePem {
  readonly certificate: string
  readonly key: string
}

export interface Sending {
  /** Names of the Standard Webhooks headers: `webhook` is `webhook-id`, …; `svix` and others beside or instead. Empty: none of them. */
  readonly headerPrefixes: readonly string[]
  /** Another scheme's headers, beside or instead. */
  readonly scheme: SchemeSigning | null
  readonly auth: DestinationAuth | null
  readonly clientCertificate: ClientCertificatePem | null
  readonly format: DeliveryFormat
  /** What a message's payload must look like for this endpoint to get it (docs/signing.md has the words); null: any. */
  readonly filter: unknown
}

/** An endpoint of which nothing is said gets the payload, with Standard Webhooks signatures. */
export const PLAIN_SENDING: Sending = {
  headerPrefixes: ['webhook'],
  scheme: null,
  auth: null,
  clientCertificate: null,
  format: 'plain',
  filter: null,
}
