/** Group commit: one transaction, one sync to the disk, for everybody who is waiting; one bad call fails alone. */
import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../port.ts'
import type { Fault } from './faults.ts'
import { faultOf, isCallersOwn } from './faults.ts'
import type { Operations } from './operations.ts'
import type { Answer, Call, PlainCall, PlainName, ReadName, WalkName, WriteName } from './protocol.ts'
import { isWalk } from './protocol.ts'

/** A call that waits and, part by part, how it ended. */
export interface Task {
  readonly call: Call
  values: unknown[] | null
  faults: (Fault | undefined)[] | null
}

export function answerOf({ call, values, faults }: Task): Answer {
  return { number: call.number, values, faults }
}

/**
 * Runs all tasks in one transaction and leaves in each how it ended. At first the hot calls run without savepoints, since
 * they hardly ever fail; when one does, the group is done again with a savepoint around every part, so that the failure
 * stays with the caller who caused it. What is nobody's fault (disk full, write failed) rolls everything back and is
 * everybody's answer. Of a walk only the listing is brought up to date here: it reads when the group is committed.
 */
export function transactOn(db: DatabaseSync, operations: Operations): (tasks: readonly Task[]) => void {
  const { tally, listing } = operations
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const savepoint = db.prepare('SAVEPOINT part')
  const release = db.prepare('RELEASE part')

  function guarded(task: Task, part: number): void {
    const mark = tally.mark()
    savepoint.run()
    try {
      setValue(task, part, runPart(operations, task.call, part))
    } catch (error) {
      if (!isCallersOwn(error)) throw error
      db.exec('ROLLBACK TO part')
      tally.restore(mark)
      setFault(task, part, faultOf(error))
    }
    release.run()
  }

  function pass(tasks: readonly Task[], careful: boolean): void {
    begin.run()
    for (const task of tasks) {
      task.values = task.faults = null
      const { call } = task
      const hot = call.name === 'append' || call.name === 'settle'
      for (let part = 0; part < partsOf(call); part++) {
        if (hot && !careful) setValue(task, part, runPart(operations, call, part))
        else guarded(task, part)
      }
    }
    if (listing.isDue()) listing.fold()
    tally.write()
    commit.run()
  }

  function undo(): void {
    tally.clear()
    if (db.isTransaction) db.exec('ROLLBACK')
  }

  return (tasks) => {
    for (const careful of [false, true]) {
      try {
        return pass(tasks, careful)
      } catch (error) {
        undo()
        if (careful || !isCallersOwn(error)) return failAll(tasks, error)
      }
    }
  }
}

function runPart(operations: Operations, call: Call, part: number): unknown {
  if (call.name === 'append') return operations.append(call.batch, part)
  if (call.name === 'settle') return operations.settle(call.batch, part)
  if (isWalk(call)) return operations.listing.fold()
  return runDirect(operations, call)
}

type Callable<Names extends PlainName, Result> = {
  readonly [Name in Names]: (...args: Parameters<Store[Name]>) => Result
}

export function runDirect<Name extends ReadName | WriteName>(
  operations: Callable<ReadName | WriteName, unknown>,
  call: PlainCall<Name>,
): unknown {
  return operations[call.name](...call.args)
}

export function startWalk<Name extends WalkName>(
  operations: Callable<WalkName, Generator<undefined, unknown>>,
  call: PlainCall<Name>,
): Generator<undefined, unknown> {
  return operations[call.name](...call.args)
}

function partsOf(call: Call): number {
  return call.name === 'append' || call.name === 'settle' ? call.batch.lessees.length : 1
}

export function setValue(task: Task, part: number, value: unknown): void {
  if (value === undefined) return
  task.values ??= Array.from<unknown>({ length: partsOf(task.call) })
  task.values[part] = value
}

export function setFault(task: Task, part: number, fault: Fault): void {
  task.faults ??= Array.from<Fault | undefined>({ length: partsOf(task.call) })
  task.faults[part] = fault
}

function failAll(tasks: readonly Task[], error: unknown): void {
  const fault: Fault = { ...faultOf(error), kind: 'unavailable' }
  for (const task of tasks) {
    task.values = null
    task.faults = Array.from({ length: partsOf(task.call) }, () => fault)
  }
}
