/** Instants in answers: ISO 8601, UTC, milliseconds. */
export const stamp = (ms: number): string => new Date(ms).toISOString()
