/** The list of providers as people get it, and that every record holds together. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listProviders } from './catalogue.ts'
import { PROVIDERS, providerById } from './providers/index.ts'

describe('providers', () => {
  it('are found by id, each once, in order of id', () => {
    const ids = PROVIDERS.map(({ id }) => id)
    assert.deepEqual(ids, [...new Set(ids)].sort())
    for (const scheme of PROVIDERS) assert.equal(providerById(scheme.id), scheme)
    assert.equal(providerById('nobody'), null)
    assert.equal(providerById('constructor'), null)
  })

  for (const scheme of PROVIDERS) {
    it(`${scheme.id} holds together`, () => {
      const { content, signature, timestamp, idHeader } = scheme
      assert.ok(content.includes('body'), 'signs the body')
      assert.equal(content.includes('timestamp'), timestamp !== null, 'signs the time it reads')
      assert.equal(content.includes('id'), idHeader !== null, 'signs the id it reads')
      if (timestamp?.from === 'signature') assert.equal(signature.form, 'pairs')
      const fields = [...scheme.eventId, ...scheme.eventType].filter(({ from }) => from === 'header')
      const names = [signature.header, idHeader ?? '', ...fields.map(({ name }) => name)]
      for (const name of names) assert.equal(name, name.toLowerCase())
      assert.equal(new URL(scheme.documentation).protocol, 'https:')
    })
  }

  it('are described from their records', () => {
    assert.deepEqual(
      listProviders().map(({ id, headers, signed, secret, toleranceSec }) => ({
        id,
        headers,
        signed,
        secret,
        toleranceSec,
      })),
      [
        {
          id: 'github',
          headers: { 'x-hub-signature-256': 'sha256=<hex>' },
          signed: '<body>',
          secret: 'the text as given',
          toleranceSec: null,
        },
        {
          id: 'standard-webhooks',
          headers: {
            'webhook-id': '<id>',
            'webhook-timestamp': '<unix seconds>',
            'webhook-signature': 'v1,<base64>',
          },
          signed: '<id>.<timestamp>.<body>',
          secret: 'whsec_ and base64',
          toleranceSec: 300,
        },
        {
          id: 'stripe',
          headers: { 'stripe-signature': 't=<unix seconds>,v1=<hex>' },
          signed: '<timestamp>.<body>',
          secret: 'the text as given',
          toleranceSec: 300,
        },
      ],
    )
  })

  it('survive JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(listProviders())), listProviders())
  })
})
