/** The catalogue of everything Postern says no with: a stable code, a status, a sentence (RFC 9457). */

export interface Problem {
  /** Stable for clients and dashboards; never renamed. */
  readonly code: string
  readonly status: number
  readonly title: string
}

const problem = (code: string, status: number, title: string): Problem => ({ code, status, title })

export const PROBLEMS = {
  // The client's bytes.
  malformedRequest: problem('malformed-request', 400, 'The request is not valid HTTP.'),
  ambiguousFraming: problem('ambiguous-framing', 400, 'The request could be read as more than one message.'),
  ambiguousPath: problem('ambiguous-path', 400, 'The path could be read as more than one path.'),
  invalidHost: problem('invalid-host', 400, 'The request does not name one valid host.'),
  headTimeout: problem('head-timeout', 408, 'The request head did not arrive in time.'),
  bodyTimeout: problem('body-timeout', 408, 'The request body did not arrive in time.'),
  bodyTooSlow: problem('body-too-slow', 408, 'The request body came too slowly.'),
  bodyTooLarge: problem('body-too-large', 413, 'The request body is larger than this route allows.'),
  targetTooLong: problem('target-too-long', 414, 'The request target is too long.'),
  expectationFailed: problem('expectation-failed', 417, 'The only expectation understood is 100-continue.'),
  misdirectedRequest: problem('misdirected-request', 421, 'This host must be asked over a connection of its own.'),
  headTooLarge: problem('head-too-large', 431, 'The request head is too large or has too many lines.'),
  methodNotImplemented: problem('method-not-implemented', 501, 'This method is not supported.'),
  protocolViolated: problem('protocol-violated', 400, 'The connection broke the rules of HTTP/2.'),
  connectionAbused: problem('connection-abused', 429, 'The connection asked for much and sent little.'),
  versionNotSupported: problem('version-not-supported', 505, 'Only HTTP/1.0 and HTTP/1.1 are spoken here.'),
  tooManyConnections: problem('too-many-connections', 503, 'There are as many connections as there may be.'),
  clientConnections: problem('client-connections', 429, 'This client has as many connections as it may.'),
  // The route and its policies.
  routeNotFound: problem('route-not-found', 404, 'No route matches this request.'),
  methodNotAllowed: problem('method-not-allowed', 405, 'No route matches this method; others match the path.'),
  credentialMissing: problem('credential-missing', 401, 'This route asks for a credential.'),
  credentialInvalid: problem('credential-invalid', 401, 'The credential is not valid.'),
  addressNotAllowed: problem('address-not-allowed', 403, 'Requests from this address are not allowed.'),
  clientCertificateMissing: problem(
    'client-certificate-missing',
    403,
    'This route asks for a client certificate, and the connection has none.',
  ),
  clientCertificateRefused: problem('client-certificate-refused', 403, 'This client certificate is not allowed here.'),
  rateLimited: problem('rate-limited', 429, 'Too many requests.'),
  policyFailed: problem('policy-failed', 500, 'A policy failed.'),
  // The upstream.
  upstreamUnreachable: problem('upstream-unreachable', 502, 'The service could not be reached.'),
  upstreamTlsFailed: problem('upstream-tls-failed', 502, 'No secure connection to the service could be made.'),
  upstreamReset: problem('upstream-reset', 502, 'The service closed the connection before it answered.'),
  upstreamInvalid: problem('upstream-invalid', 502, 'The service gave an invalid answer.'),
  upstreamProtocol: problem('upstream-protocol', 502, 'The service cannot be asked for this over HTTP/2.'),
  upstreamBodyTooLarge: problem('upstream-body-too-large', 502, 'The answer is larger than a policy can read.'),
  noInstance: problem('no-instance', 503, 'The service has no instance to answer.'),
  upstreamTimeout: problem('upstream-timeout', 504, 'The service did not answer in time.'),
  loopDetected: problem('loop-detected', 508, 'The request has been here before: gateways send it round and round.'),
  // The post.
  signatureMissing: problem('signature-missing', 401, 'The webhook is not signed.'),
  signatureInvalid: problem('signature-invalid', 401, 'The signature of the webhook does not match.'),
  signatureExpired: problem('signature-expired', 401, 'The time in the signature is outside the tolerance.'),
  payloadInvalid: problem('payload-invalid', 400, 'The payload cannot be read.'),
  storeUnavailable: problem('store-unavailable', 503, 'The event could not be stored; nothing was accepted.'),
  // The admin's side.
  unauthorized: problem('unauthorized', 401, 'A valid admin token is needed.'),
  notFound: problem('not-found', 404, 'There is no such thing here.'),
  conflict: problem('conflict', 409, 'It exists already, or has changed meanwhile.'),
  revisionMismatch: problem('revision-mismatch', 412, 'The configuration has changed since you read it.'),
  validation: problem('validation', 422, 'The input is not valid.'),
  configInvalid: problem('config-invalid', 422, 'The configuration is not valid; nothing changed.'),
  starting: problem('starting', 503, 'Not ready yet.'),
} as const satisfies Record<string, Problem>

/** The `application/problem+json` body of a problem. `detail` is for people; nothing secret goes into it. */
export function problemBody(problem: Problem, detail?: string, extra?: Record<string, unknown>): string {
  return JSON.stringify({
    type: `urn:postern:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    code: problem.code,
    ...(detail === undefined ? {} : { detail }),
    ...extra,
  })
}
