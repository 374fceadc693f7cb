/** The API key of the one consumer that the load is, for every peer with policies. */
export const KEY = 'bench-4f9c1e7a2b'
