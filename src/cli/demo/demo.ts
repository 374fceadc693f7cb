/** The demo from start to end: a shop, a partner and a gateway come up, the story is told, and they stay up until Ctrl-C. */
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createAdminClient } from '../../admin/client.ts'
import { compileThreads } from '../../rehearsal.ts'
import { systemClock } from '../../base/clock.ts'
import type { Environment } from '../../config/environment.ts'
import { readConfigFile, stateOfFile } from '../config-file.ts'
import { Failure } from '../failure.ts'
import { type Host, paintFor } from '../host.ts'
import { npmGone, stopRequested } from '../signals.ts'
import { tokenOf } from '../token.ts'
import { type GatewayProcess, startGateway } from '../gateway-process.ts'
import { Live } from './live.ts'
import { openPartner } from './partner.ts'
import { insistOnPorts } from './ports.ts'
import { openFolder, readSaved, type Saved, writeSaved } from './saved.ts'
import { Say } from './say.ts'
import { closeShop, openShop, type Shop } from './shop.ts'
import { playStory } from './story.ts'
import { printTryIt } from './try-it.ts'

const FOLDER = '.postern'
const SHOP_FILE = '../examples/shop/postern.yaml'

export interface DemoOptions {
  readonly once?: true
  /** 0 is any free one. */
  readonly port: number
  readonly adminPort: number
}

/** Throws Failure when it cannot start, and with `once` when a step of the story did not happen. */
export async function demo(host: Host, options: DemoOptions): Promise<void> {
  const say = new Say(host.stdout, paintFor(host.stdout, host.env))
  await tell(host, options, say)
  if (!options.once) say.line('  Stopped.')
}

/** Returns when all that it opened is closed. */
async function tell(host: Host, options: DemoOptions, say: Say): Promise<void> {
  const asked = Promise.race([stopRequested(() => host.exitNow(1)), npmGone(host.env)])
  const stop = asked.then(() => 'stop' as const)
  await using opened = new AsyncDisposableStack()

  await insistOnPorts({ '--port': options.port, '--admin-port': options.adminPort })
  const folder = resolve(FOLDER)
  await openFolder(folder)
  const before = await readSaved(folder)

  const began = systemClock.elapsed()
  const shop = opened.adopt(await openShop(), closeShop)
  const partner = opened.adopt(await openPartner(before.partner), (partner) => partner.service.close())
  const live = new Live(say, shop, partner)
  const { gateway, adminToken } = await openGateway({ host, options, folder, before, shop, say, live })
  opened.defer(() => gateway.stop())
  const saved = { ...before, gateway: gateway.gateway, admin: gateway.admin, adminToken, partner: partner.url }
  await writeSaved(folder, saved)

  say.title('A shop behind Postern')
  say.line(
    `  gateway ${say.paint.cyan(saved.gateway)}   admin ${say.paint.cyan(saved.admin)}   keys in ${FOLDER}/demo.json`,
  )
  say.line()
  const lost = gateway.lost.then((why) => {
    throw new Failure(why)
  })
  const api = createAdminClient({ url: saved.admin, token: adminToken })
  const told = await Promise.race([playStory({ saved, shop, partner, api, say }), stop, lost])
  if (told !== null) {
    if (options.once) throw new Failure(told === 'stop' ? 'stopped before the story was over' : told)
    if (told === 'stop') return
    say.line(`  ${say.paint.red('✗')} ${told}`)
  } else say.line(`\n  Every step happened, in ${((systemClock.elapsed() - began) / 1_000).toFixed(1)} s.`)
  if (options.once) return

  printTryIt(say, saved, host.entry)
  say.title('What happens now, until Ctrl-C:')
  live.start()
  await Promise.race([stop, lost])
  live.stop()
  say.line('\n  Stopping …')
}

interface Opening {
  readonly host: Host
  readonly options: DemoOptions
  readonly folder: string
  readonly before: Saved
  readonly shop: Shop
  readonly say: Say
  readonly live: Live
}

async function openGateway(opening: Opening): Promise<{ gateway: GatewayProcess; adminToken: string }> {
  const { host, options, folder, before, shop, say, live } = opening
  // What the gateway keeps is for its owner alone, as everything in the folder.
  process.umask(0o077)
  const env: Environment = {
    ...host.env,
    // Its log is how we know that it is ready.
    POSTERN_LOG: 'info',
    GATEWAY_PORT: String(options.port),
    ADMIN_PORT: String(options.adminPort),
    STORE_FILE: join(folder, 'postern.db'),
    ...Object.fromEntries(Object.entries(shop).map(([name, { url }]) => [`${name.toUpperCase()}_URL`, url])),
    MOBILE_APP_KEY: before.apiKey,
    STRIPE_WEBHOOK_SECRET: before.stripeSecret,
    GITHUB_WEBHOOK_SECRET: before.githubSecret,
  }
  const file = await readConfigFile(fileURLToPath(new URL(SHOP_FILE, pathToFileURL(host.entry))))
  const start = async () => {
    const state = await stateOfFile(file, { ...host, env })
    const adminToken = await tokenOf(state, host.env)
    await compileThreads()
    const gateway = await startGateway({ entry: host.entry, file: file.path, env, onAccess: (one) => live.access(one) })
    return { gateway, adminToken }
  }
  return say.during('the gateway starts', start())
}
