/** The store's thread: gathers the calls of all ports, commits them together, answers. The only thread that writes. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { DatabaseOptions } from './database.ts'
import { openDatabase } from './database.ts'
import { faultOf } from './faults.ts'
import type { Task } from './group.ts'
import { answerOf, runDirect, setFault, setValue, startWalk, transactOn } from './group.ts'
import { operationsOn } from './operations.ts'
import type { Answer, Call, Order } from './protocol.ts'
import { isRead, isWalk } from './protocol.ts'
import { takePlace } from './tenancy.ts'

interface Waiting extends Task {
  readonly port: MessagePort
}

const options: DatabaseOptions = workerData
const leavePlace = takePlace(options.path, options.tenancy ?? 'visitor')
const db = openDatabase(options)
const operations = operationsOn(db, options.path)
const transact = transactOn(db, operations)

const main = parentPort!
const ports = new Set<MessagePort>()
let waiting: Waiting[] = []
/** Long lists under way, one slice a turn. */
const walking = new Map<Waiting, Generator<undefined, unknown>>()
let scheduled = false

function receive(port: MessagePort, calls: readonly Call[]): void {
  for (const call of calls) waiting.push({ port, call, values: null, faults: null })
  schedule()
}

/** The check phase comes after every port has been read: whatever arrived during the last sync is one group. */
function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(runGroup)
}

/** Writes first, committed together; then reads, which see them; then a slice of every long list. */
function runGroup(): void {
  scheduled = false
  const tasks = waiting
  waiting = []
  const done: Waiting[] = []
  const writes = tasks.filter(({ call }) => !isRead(call) && !isWalk(call))
  const lists = tasks.filter(({ call }) => isWalk(call))
  if (writes.length > 0) transact(writes)
  if (lists.length > 0) transact(lists) // apart, so that lists are still to be had when the disk is full
  for (const task of tasks) {
    const { call } = task
    if (isWalk(call) && task.faults === null) walking.set(task, startWalk(operations, call))
    else done.push(task)
    if (isRead(call)) attempt(task, () => runDirect(operations, call))
  }
  for (const [task, walk] of walking) {
    attempt(task, () => walk.next().value)
    if (task.values === null && task.faults === null) continue
    walking.delete(task)
    done.push(task)
  }
  answer(done)
  if (walking.size > 0) schedule()
}

/** Leaves in the task how `read` ends; undefined is no end. */
function attempt(task: Waiting, read: () => unknown): void {
  try {
    setValue(task, 0, read())
  } catch (error) {
    setFault(task, 0, faultOf(error))
  }
}

function answer(done: readonly Waiting[]): void {
  const answers = new Map<MessagePort, Answer[]>()
  for (const task of done) {
    const list = answers.get(task.port)
    if (list === undefined) answers.set(task.port, [answerOf(task)])
    else list.push(answerOf(task))
  }
  for (const [port, list] of answers) port.postMessage(list)
}

function connect(port: MessagePort): void {
  ports.add(port)
  port.on('message', (calls: readonly Call[]) => receive(port, calls))
  port.on('close', () => ports.delete(port))
}

/** Commits and answers everything that was sent before. Closing moves the log into the file, if there is room. */
function close(): void {
  for (const port of ports) {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      receive(port, next.message)
    }
  }
  while (waiting.length > 0 || walking.size > 0) runGroup()
  db.close()
  leavePlace()
  for (const port of ports) port.close()
  main.close()
}

main.on('message', (order: Order) => {
  if (order === 'close') close()
  else connect(order.connect)
})
main.postMessage('ready')
