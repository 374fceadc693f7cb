/** Names that appear in URLs and filters: event types, channels, uids, event ids. Apart from the schemas, for engine threads. */

export const NAME_PATTERN = /^[a-zA-Z0-9\-_.]+$/
export const NAME_CHARS_MAX = 256
export const CHANNEL_CHARS_MAX = 128
/** Tags of one message, and how long each may be. */
export const MESSAGE_TAGS_MAX = 10
export const TAG_CHARS_MAX = 128
/** Channels of one message. */
export const MESSAGE_CHANNELS_MAX = 5
