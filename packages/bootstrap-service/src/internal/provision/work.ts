/** A provisioning script as a job: started once, followed to its end, started anew only when it had failed. */
import { Effect, type Redacted, Stream } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Jobs from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import type { JobEvent } from "@toehold/jobs/JobOutput"
import type { JobState, JobStatus } from "@toehold/jobs/JobStatus"
import type { MachineFacts } from "../../MachineFacts.ts"
import * as ProvisionError from "../../ProvisionError.ts"
import type { Step } from "../../ProvisionEvent.ts"
import { type Attempt, attemptId, attemptsOf, clearOld } from "./attempts.ts"
import { digestOf } from "./digest.ts"
import { jobFailure } from "./jobFailure.ts"
import { lastLines, masking, shown } from "./lines.ts"

export interface Work {
  /** What jobs of it are called, and what people read. */
  readonly name: string
  readonly version: string
  readonly script: string
  readonly interpreter: "sh" | "bash"
  readonly args: ReadonlyArray<string>
  readonly secrets: Readonly<Record<string, Redacted.Redacted<string>>>
  readonly step: Step
  readonly facts: Pick<MachineFacts, "path" | "workspace">
}

export interface Watch {
  /** A line that it printed. */
  readonly onLine: (line: string) => Effect.Effect<void>
  readonly onProgress: (detail: string) => Effect.Effect<void>
}

export interface Worked {
  readonly id: string
  /** Whether it had run before. */
  readonly skipped: boolean
}

/** An argument of the machine's kernel may have 128 KiB. */
export const maxScript = 100 * 1024

const isSuccess = (state: JobState): boolean => state._tag === "Exited" && state.exitCode === 0

const endOf = ({ state, timedOut }: JobStatus): string => {
  if (timedOut) return "it took too long"
  switch (state._tag) {
    case "Exited":
      return `exit code ${state.exitCode}`
    case "Killed":
      return `it was ended by ${state.signal}`
    case "Lost":
      return state.cause === "reboot" ? "the machine was started anew meanwhile" : "it was killed from outside"
    case "Running":
      return "it still runs"
  }
}

/** The same script with the same arguments has the same id, so that a second client finds the first one's job. */
const baseOf = ({ args, interpreter, name, script, version }: Work): string => {
  const digest = digestOf(JSON.stringify([interpreter, script, args])).slice(0, 10)
  return `recipe-${name.replace(/[^A-Za-z0-9_-]/g, "-").slice(0, 20)}-v${version}-${digest}`
}

const tailBytes = 16 * 1024

/** The attempts that there were at the work. */
export const attemptsAt = (
  work: Work
): Effect.Effect<ReadonlyArray<Attempt>, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.gen(function* () {
    return yield* attemptsOf(yield* Jobs.make(), baseOf(work))
  }).pipe(Effect.mapError((error) => jobFailure(work.step, error)))

const goodEnd = (attempts: ReadonlyArray<Attempt>): Attempt | undefined =>
  attempts.find(({ status }) => isSuccess(status.state))

/** Whether one of them came to a good end. */
export const isDone = (attempts: ReadonlyArray<Attempt>): boolean => goodEnd(attempts) !== undefined

/** Runs it unless it was done. Whoever has just looked gives the attempts, and saves a round trip. */
export const runWork = (
  work: Work,
  watch: Watch,
  known?: ReadonlyArray<Attempt> | undefined
): Effect.Effect<Worked, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.gen(function* () {
    const jobs = yield* Jobs.make()
    const base = baseOf(work)
    const attempts = known ?? (yield* attemptsOf(jobs, base))
    const done = goodEnd(attempts)
    if (done !== undefined) return { id: done.status.id, skipped: true }
    const last = attempts.at(-1)
    const isRunning = last?.status.state._tag === "Running"
    if (isRunning) yield* watch.onProgress(`${work.name} is under way already: following it`)
    else if (last !== undefined) {
      yield* watch.onProgress(`${work.name} failed before (${endOf(last.status)}): starting it anew`)
      yield* clearOld(jobs, attempts)
    }
    const id = attemptId(base, last === undefined ? 1 : isRunning ? last.number : last.number + 1)
    const { facts } = work
    yield* jobs.start(
      JobSpec.argv([work.interpreter, "-c", work.script, work.name, ...work.args], {
        id,
        cwd: facts.workspace,
        env: { ...work.secrets, PATH: facts.path, WORKSPACE: facts.workspace, DEBIAN_FRONTEND: "noninteractive" },
        maxOutput: 4 * 1024 * 1024
      })
    )
    const mask = masking(work.secrets)
    const ended = yield* followLines(jobs, id, (line) => watch.onLine(shown(mask(line))))
    if (isSuccess(ended.state)) return { id, skipped: false }
    const tails = yield* Effect.forEach(["stdout", "stderr"] as const, (stream) => {
      const size = stream === "stdout" ? ended.stdoutBytes : ended.stderrBytes
      return jobs.read(id, { stream, offset: Math.max(0, size - tailBytes), maxBytes: tailBytes })
    })
    return yield* ProvisionError.make(
      new ProvisionError.ProvisioningFailed({
        what: work.name,
        how: endOf(ended),
        tail: tails.flatMap(({ data }) => lastLines(mask(new TextDecoder().decode(data)), 3))
      })
    )
  }).pipe(Effect.catchTag("JobsError", (error) => Effect.fail(jobFailure(work.step, error))))

/** Splits each stream's output into lines on its own, and answers how the job ended. */
const followLines = (jobs: Jobs.Jobs["Service"], id: string, onLine: (line: string) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const partial = { stdout: "", stderr: "" }
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
    const take = (event: JobEvent): Effect.Effect<void> => {
      if (event._tag !== "Output") return Effect.void
      const { data, stream } = event
      const lines = (partial[stream] + decoders[stream].decode(data, { stream: true })).split("\n")
      partial[stream] = (lines.pop() ?? "").slice(-4096)
      return Effect.forEach(lines.slice(-maxLinesAtOnce), onLine, { discard: true })
    }
    const last = yield* jobs.follow(id).pipe(Stream.tap(take), Stream.runLast)
    yield* Effect.forEach(
      [partial.stdout, partial.stderr].filter((text) => text.trim() !== ""),
      onLine
    )
    return last._tag === "Some" && last.value._tag === "Ended" ? last.value.status : yield* jobs.status(id)
  })

/** Of a flood the newest are enough for whoever watches. */
const maxLinesAtOnce = 200
