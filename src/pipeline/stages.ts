/** The order in which policies act: by stage, then as written (global, route). Answers run it backwards. */
export const STAGES = ['observe', 'guard', 'authenticate', 'authorize', 'limit', 'transform', 'cache', 'sign'] as const
export type Stage = (typeof STAGES)[number]
