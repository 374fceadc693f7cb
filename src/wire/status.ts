/** Reason phrases for statuses of our own (RFC 9110 §15). */
import { STATUS_CODES } from 'node:http'

export function statusText(status: number): string {
  return STATUS_CODES[status] ?? 'Unknown'
}
