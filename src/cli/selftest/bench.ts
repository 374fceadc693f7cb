/** What a selftest stands on: the gateway it was told of or one of its own, and the upstream behind it. */
import { RecordingUpstream } from '../../selftest/recording-upstream.ts'
import { type Target, targetOf } from '../../selftest/target.ts'
import { Failure, systemCode } from '../failure.ts'
import type { Access } from '../gateway-process.ts'
import type { Host } from '../host.ts'
import { type OwnGateway, startOwnGateway } from './own-gateway.ts'

export interface Bench {
  readonly target: Target
  readonly upstream: RecordingUpstream | null
  /** Null when somebody else's gateway is tested. */
  readonly own: OwnGateway | null
  close(): Promise<void>
}

/** Rejects with Failure when an address is none, or cannot be had. */
export async function openBench(
  host: Host,
  url: string | undefined,
  upstreamAddress: string | undefined,
  onAccess: (access: Access) => void,
): Promise<Bench> {
  if (url !== undefined) {
    const target = targetFrom(url)
    const upstream = upstreamAddress === undefined ? null : await listenAt(upstreamAddress)
    return { target, upstream, own: null, close: async () => upstream?.close() }
  }
  const upstream = await RecordingUpstream.start()
  try {
    const own = await startOwnGateway(host, upstream.url, onAccess)
    const close = async (): Promise<void> => {
      await own.stop()
      await upstream.close()
    }
    return { target: targetOf(own.url), upstream, own, close }
  } catch (error) {
    await upstream.close()
    throw error
  }
}

function targetFrom(url: string): Target {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new Failure(`${url} is no URL; write one such as http://127.0.0.1:8080/`)
  return targetOf(url)
}

/** The recording upstream that somebody asked for. */
async function listenAt(address: string): Promise<RecordingUpstream> {
  const parts = /^(?:http:\/\/)?(\[[^\]]+\]|[^:/]+):(\d{1,5})\/?$/.exec(address)
  const port = Number(parts?.[2])
  if (parts === null || port > 65_535)
    throw new Failure('--upstream must be an address and a port, such as 127.0.0.1:9999')
  try {
    return await RecordingUpstream.start(undefined, port, parts[1]!.replace(/^\[|\]$/g, ''))
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EADDRINUSE')
      throw new Failure(`${address} is taken by another process; name another address for --upstream`)
    throw new Failure(`${address} cannot be listened on (${code ?? String(error)})`)
  }
}
