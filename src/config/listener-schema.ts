/** What the file may say about a listener. */
import { z } from 'zod'
import { cidr, duration, listenAddress, permissions } from './leaves.ts'
import { listenerTls } from './tls-schema.ts'

/** Enough for a burst of new connections while an engine is busy; the system's own bound (`somaxconn`) is the same by default. */
const BACKLOG = 4_096

const count = z.number().int().min(0).max(10_000_000)

export const listener = z.strictObject({
  address: listenAddress,
  'dual-stack': z.boolean().optional().describe('Whether [::] takes IPv4 connections too; it does unless said.'),
  mode: permissions.optional().describe('Who may connect to a Unix socket; "0600" unless said.'),
  backlog: z.number().int().min(1).max(65_535).default(BACKLOG).describe('Connections that may wait to be accepted.'),
  'connections-max': count.default(0).describe('Open connections at once; 0 is no bound.'),
  'connections-per-client-max': count
    .default(0)
    .describe('Open connections at once from one address, or one IPv6 /64; 0 is no bound.'),
  'proxy-protocol': z
    .array(cidr)
    .optional()
    .describe('Networks of the load balancers whose connections begin with a PROXY protocol header.'),
  timeouts: z
    .strictObject({
      head: duration(1).prefault('10s').describe('From the first byte of a request head to its last.'),
      idle: duration(1).prefault('30s').describe('Longest silence while a body comes, or an answer is not taken.'),
      'keep-alive': duration(1).prefault('75s').describe('A kept connection without a request.'),
    })
    .prefault({}),
  // Kestrel's rate, for as long as a client that is merely unlucky may stall.
  'rate-min': z
    .strictObject({
      'bytes-per-second': count.default(240).describe('Clients that send or take less are given up; 0 is no bound.'),
      window: duration(1).prefault('30s').describe('What it is averaged over.'),
    })
    .prefault({}),
  tls: listenerTls.optional().describe('Speak TLS, and nothing else.'),
})

/** A listener as checked. */
export type FileListener = z.output<typeof listener>
