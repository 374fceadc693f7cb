/** SQL of ordered certificates, and of the leases under which they are ordered. */
import type { DatabaseSync } from 'node:sqlite'
import type { OrderedCertificate } from '../../model/tls.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, text } from './rows.ts'

interface Certificates {
  putCertificate: Direct<'putCertificate'>
  getCertificate: Direct<'getCertificate'>
  allCertificates: Direct<'allCertificates'>
  takeLease: Direct<'takeLease'>
  dropLease: Direct<'dropLease'>
}

export function certificates(db: DatabaseSync): Certificates {
  const put =
    db.prepare(`INSERT INTO certificate (issuer, name, chain, key, issued_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (issuer, name) DO UPDATE SET chain = excluded.chain, key = excluded.key,
      issued_at = excluded.issued_at, expires_at = excluded.expires_at
    WHERE excluded.issued_at >= issued_at`)
  const get = db.prepare('SELECT * FROM certificate WHERE issuer = ? AND name = ?')
  const all = db.prepare('SELECT * FROM certificate ORDER BY issuer, name')
  const take = db.prepare(`INSERT INTO lease (name, holder, until) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE holder = excluded.holder OR until <= ?`)
  const drop = db.prepare('DELETE FROM lease WHERE name = ? AND holder = ?')

  return {
    putCertificate(c) {
      put.run(c.issuer, c.name, c.chain, c.key, c.issuedAt, c.expiresAt)
    },
    getCertificate(issuer, name) {
      const row = get.get(issuer, name)
      return row === undefined ? null : certificateOf(row)
    },
    allCertificates: () => all.all().map(certificateOf),
    takeLease: (name, holder, nowMs, untilMs) => take.run(name, holder, untilMs, nowMs).changes === 1,
    dropLease(name, holder) {
      drop.run(name, holder)
    },
  }
}

function certificateOf(row: Row): OrderedCertificate {
  return {
    issuer: text(row.issuer),
    name: text(row.name),
    chain: text(row.chain),
    key: text(row.key),
    issuedAt: integer(row.issued_at),
    expiresAt: integer(row.expires_at),
  }
}
