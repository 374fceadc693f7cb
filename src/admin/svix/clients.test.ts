/** Every method of both generations of Svix's clients calls an operation that is described, or is listed as left out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Svix } from 'svix'
import { Svix as Svix1 } from 'svix-1'
import { openHost } from '../test-host.ts'

const PAGE = readFileSync(new URL('../../../docs/svix-api.md', import.meta.url), 'utf8')
const LEFT_OUT = [...PAGE.slice(PAGE.indexOf('## Left out')).matchAll(/`(\w+(?:\.\w+)*(?:\.\*)?)`/g)].map(
  ([, name]) => name!,
)

const isLeftOut = (name: string): boolean =>
  name !== 'message.create' &&
  LEFT_OUT.some((one) => (one.endsWith('.*') ? name.startsWith(one.slice(0, -1)) : one === name))

/** Calls every method, deep; gives what it asked the server for, by its name. */
async function callsOf(root: object, calls: string[]): Promise<Map<string, string>> {
  const asked = new Map<string, string>()
  const visit = async (at: object, path: string): Promise<void> => {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(at)))) {
      if (name === 'constructor') continue
      const own = path === '' ? name : `${path}.${name}`
      const { value } = property
      const inner: unknown = 'get' in property ? Reflect.get(at, name) : null
      if (typeof inner === 'object' && inner !== null) await visit(inner, own)
      if (typeof value !== 'function') continue
      const before = calls.length
      // Bodies are written from objects; whatever the answer is, the request is what counts.
      await Promise.resolve(Reflect.apply(value, at, ['a', 'b', 'c', 'd'])).catch(() => undefined)
      if (calls.length === before)
        await Promise.resolve(Reflect.apply(value, at, ['a', 'b', BODY, BODY])).catch(() => undefined)
      if (calls.length === before)
        await Promise.resolve(Reflect.apply(value, at, ['a', BODY, BODY])).catch(() => undefined)
      if (calls.length === before) await Promise.resolve(Reflect.apply(value, at, [BODY, BODY])).catch(() => undefined)
      asked.set(own, calls[before] ?? 'nothing')
    }
  }
  await visit(root, '')
  return asked
}

const BODY = { since: new Date(0), until: new Date(1), config: {}, events: [], type: 'x' }

test('every method is answered or left out, and nothing is left out that is answered', async (t) => {
  const { request } = await openHost(t)
  const { paths }: { paths: Record<string, Record<string, unknown>> } = JSON.parse(
    await (await request('GET', '/admin/openapi.json')).text(),
  )
  const described = Object.entries(paths).flatMap(([path, methods]) => {
    const pattern = new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
    return Object.keys(methods).map((method) => ({ method: method.toUpperCase(), pattern }))
  })
  const calls: string[] = []
  const fetchNothing = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    calls.push(`${init?.method} ${new URL(input instanceof Request ? input.url : input).pathname}`)
    return new Response('{}', { status: 404 })
  }
  const options = { serverUrl: 'http://127.0.0.1', numRetries: 0, fetch: fetchNothing }
  for (const client of [new Svix('x', options), new Svix1('x', options)]) {
    const asked = await callsOf(client, calls)
    assert.ok(asked.size > 100)
    const wrong = [...asked].filter(([name, call]) => {
      const [method, path] = call.split(' ')
      const isDescribed = described.some((one) => one.method === method && one.pattern.test(path ?? ''))
      return isDescribed === isLeftOut(name)
    })
    assert.deepEqual(wrong, [])
  }
})
