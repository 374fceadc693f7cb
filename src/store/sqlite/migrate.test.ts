/** Migrations: forward only, each once, none edited afterwards. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Migration } from './migrate.ts'
import { migrate } from './migrate.ts'

const first: Migration = { name: '0001-first', sql: 'CREATE TABLE a (x); INSERT INTO a VALUES (1)' }
const second: Migration = { name: '0002-second', sql: 'ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1' }
const broken: Migration = { name: '0003-broken', sql: 'UPDATE a SET x = 0; CREATE TABLE a (x)' }

function rows(db: DatabaseSync): object[] {
  return db
    .prepare('SELECT * FROM a')
    .all()
    .map((row) => Object.fromEntries(Object.entries(row)))
}

test('each migration runs once, in order, whenever it comes', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, [first])
  assert.deepEqual(rows(db), [{ x: 1 }])
  migrate(db, [first, second])
  migrate(db, [first, second])
  assert.deepEqual(rows(db), [{ x: 1, y: 2 }])
})

test('one that fails leaves the store as it was', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, [first])
  assert.throws(() => migrate(db, [first, second, broken]), /already exists/)
  assert.deepEqual(rows(db), [{ x: 1 }])
  migrate(db, [first, second])
  assert.deepEqual(rows(db), [{ x: 1, y: 2 }])
})

test('a store that knows more, or other ones, is refused', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, [first, second])
  assert.throws(() => migrate(db, [first]), /newer version/)
  assert.throws(() => migrate(db, [first, { ...second, sql: `${second.sql};` }]), /Migration 2/)
  assert.throws(() => migrate(db, [first, { ...second, name: '0002-renamed' }]), /Migration 2/)
})

test('beside a process that runs, tables change only in ways it can bear', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, [first], true)
  assert.throws(() => migrate(db, [first, second], true), /0002-second.*stop that one/)
  assert.deepEqual(rows(db), [{ x: 1 }])
  migrate(db, [first, { ...second, isAdditive: true }], true)
  assert.deepEqual(rows(db), [{ x: 1, y: 2 }])
})
