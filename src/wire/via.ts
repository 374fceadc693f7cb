/** `Via`: which gateways a message has come through, and whether this one is among them (RFC 9110 §7.6.3). */
import type { Head } from './head.ts'

/**
 * A request that says it has been here is a loop: a gateway that sends it on would send it on for ever. `name` is the pseudonym that
 * this deployment appends, lower case. For heads that have a Via at all.
 */
export function hasPassed(head: Head, name: string): boolean {
  return head.all('via').some((value) =>
    // 1#( received-protocol RWS received-by [ RWS comment ] ); what stands in comments is cut up too, and never looks like a member.
    value.split(',').some(
      (member) =>
        member
          .trim()
          .split(/[ \t]+/)[1]
          ?.toLowerCase() === name,
    ),
  )
}
