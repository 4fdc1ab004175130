import { Option } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import { type Session, type StepRecord, stepOf } from "../Session.ts"
import { type ConsoleReady, inOrder, type SessionStep } from "../SessionStep.ts"
import type { Patch } from "../SessionStore.ts"
import { failureOf } from "./failure.ts"
import { beginnings, type Taken } from "./takeStep.ts"

/** The records with one of them changed, if it is there. */
export const withStep = (
  session: Session,
  name: SessionStep,
  change: (record: StepRecord) => StepRecord
): ReadonlyArray<StepRecord> => session.steps.map((record) => (record.name === name ? change(record) : record))

/** What a session becomes when a step of it is begun, for the first time or again. */
export const begun = (session: Session, name: SessionStep, now: number): Patch => {
  const message = beginnings[name]
  const before = Option.getOrUndefined(stepOf(session, name))
  const record: StepRecord = {
    name,
    state: "running",
    attempts: (before?.attempts ?? 0) + 1,
    message,
    startedAt: before?.startedAt ?? now,
    endedAt: null,
    output: null
  }
  const steps = before === undefined ? [...session.steps, record] : withStep(session, name, () => record)
  return { step: name, message, failure: null, steps }
}

/** What it becomes when the step is done; after the last one it is ready. */
export const done = (session: Session, name: SessionStep, taken: Taken, now: number): Patch => {
  const steps = withStep(session, name, (record) => ({ ...record, state: "done", endedAt: now, output: taken.output }))
  const isLast = inOrder.every((step) => steps.some((record) => record.name === step && record.state === "done"))
  return {
    steps,
    ...(taken.workspacePath === undefined ? {} : { workspacePath: taken.workspacePath }),
    ...(isLast ? { status: "ready", message: "Ready" } : {})
  }
}

/** What it becomes when its machine was started anew: what was done is to be done again, or looked at again. */
export const rebooted = (session: Session, console: ConsoleReady): Patch => {
  const message = "The machine was started anew"
  return {
    message: `${message}: each step is looked at again`,
    steps: session.steps.map((record) => {
      if (record.name === "console") return { ...record, output: console }
      return record.state === "done" ? { ...record, state: "failed", message, output: null } : record
    })
  }
}

/** An OpenCode that has ended is to be started again. */
const undoes = ({ reason }: BootstrapError.BootstrapError): SessionStep | undefined =>
  reason._tag === "OpenCodeFailed" || reason._tag === "PortTaken" ? "openCode" : undefined

/** What it becomes when the step has failed for good. */
export const failed = (
  session: Session,
  name: SessionStep,
  error: BootstrapError.BootstrapError,
  now: number
): Patch => ({
  status: "error",
  step: name,
  message: error.message,
  failure: { ...failureOf(error), step: name },
  steps: session.steps.map((record) =>
    record.name === name || record.name === undoes(error)
      ? { ...record, state: "failed", endedAt: now, message: error.message, output: null }
      : record
  )
})

/** What one that is being created becomes when it is aborted. */
export const aborted = (session: Session): Option.Option<Patch> => {
  if (session.status !== "creating") return Option.none()
  // Where no step was begun, what was stopped is the first.
  const step = session.step ?? "machine"
  const failure = failureOf(BootstrapError.make(new BootstrapError.Aborted({ step })))
  return Option.some({ status: "error", failure, message: failure.message })
}
