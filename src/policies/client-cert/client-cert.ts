/** Knows clients by the certificate that the TLS handshake has verified, and tells the upstream which it was (RFC 9440). */
import { PROBLEMS } from '../../base/problem.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { refuse } from '../../pipeline/reply.ts'
import type { ClientCertificate } from '../../wire/client-tls.ts'
import type { ClientCertConfig } from './schema.ts'

/** Of a certificate, for every request of its connection: it is a kilobyte or two. */
const fields = new WeakMap<ClientCertificate, string>()

export const clientCert = definePolicy<ClientCertConfig>({
  name: 'client-cert',
  stage: 'authenticate',
  create({ required, subjects, sans, known, forward }, deps) {
    const missing = refuse(PROBLEMS.clientCertificateMissing)
    const refused = refuse(PROBLEMS.clientCertificateRefused)
    const [bySubject, byName] = [new Set(subjects), new Set(sans)]
    const isAnybodys = subjects.length + sans.length === 0
    const isListed = ({ subject, names }: ClientCertificate) =>
      isAnybodys || bySubject.has(subject) || names.some((name) => byName.has(name))

    return {
      request(x) {
        const certificate = x.tls?.certificate ?? null
        // A list that let in who shows nothing would be none.
        if (certificate === null) return required || known || !isAnybodys ? missing : undefined
        if (!isListed(certificate)) return refused
        const consumer = deps.consumerOfCertificate(certificate)
        if (consumer === null && known) return refused
        if (consumer !== null) x.consumer = consumer
        return undefined
      },
      upstreamRequest(x, out) {
        // What the client itself says in these has been dropped with the rest of what is ours to say.
        const certificate = x.tls?.certificate ?? null
        if (forward && certificate !== null) out.append('Client-Cert', fieldFor(certificate))
        out.remove('x-consumer-name')
        if (x.consumer !== null) out.append('X-Consumer-Name', x.consumer.name)
      },
    }
  },
})

/** RFC 9440 §2.1: the DER form as a byte sequence (RFC 9651 §3.3.5). */
function fieldFor(certificate: ClientCertificate): string {
  let field = fields.get(certificate)
  if (field === undefined) {
    const { buffer, byteOffset, length } = certificate.raw
    field = `:${Buffer.from(buffer, byteOffset, length).toString('base64')}:`
    fields.set(certificate, field)
  }
  return field
}
