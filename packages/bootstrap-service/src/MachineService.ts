/**
 * Programs that are to keep running on a machine: by its systemd or supervisor where one of them really runs, else as
 * jobs in a session of their own. Each is started once, whoever asks how often.
 *
 * @since 0.1.0
 */
import { Effect, Redacted } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Jobs from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import type { JobState, JobStatus } from "@toehold/jobs/JobStatus"
import type * as JobsError from "@toehold/jobs/JobsError"
import { attemptId, attemptsOf, clearOld } from "./internal/provision/attempts.ts"
import { askLines, one, quote, type Said } from "./internal/provision/ask.ts"
import { digestOf } from "./internal/provision/digest.ts"
import { jobFailure, whenJob } from "./internal/provision/jobFailure.ts"
import { managed } from "./internal/provision/managedScript.ts"
import type { Manager } from "./MachineFacts.ts"
import * as ProvisionError from "./ProvisionError.ts"
import type { Step } from "./ProvisionEvent.ts"

/**
 * A program that is to keep running.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServiceSpec {
  /** Letters, digits, `_` and `-`, with a letter or digit first, 40 at most. */
  readonly name: string
  /** Shell text. It should end with `exec`, so that signals reach the program itself. */
  readonly command: string
  readonly cwd?: string | undefined
  /** `Redacted` values are in a file of mode 0600 on the machine, and on no command line. */
  readonly env?: Readonly<Record<string, string | Redacted.Redacted<string>>> | undefined
}

/**
 * Which service is meant, by whom it is kept and for which step of provisioning, which errors name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Place {
  readonly manager: Manager
  readonly step?: Step | undefined
}

/**
 * How a service does. `changed` says whether the call had to do something for it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServiceStatus {
  readonly name: string
  readonly manager: Manager
  readonly state: "running" | "ended" | "missing"
  /** How it ended, in words. */
  readonly detail: string
  readonly changed: boolean
}

type Ask<A> = Effect.Effect<A, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner>

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/

const stepOf = ({ step = "services" }: Place): Step => step

const jobId = (name: string): string => `service-${name}`

/** What a service of that name is made of: nothing else makes it another one. Of secrets only the names count. */
const environment = (spec: ServiceSpec): ReadonlyArray<readonly [string, string]> =>
  Object.entries(spec.env ?? {})
    .map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value] as const)
    .toSorted(([first], [second]) => (first < second ? -1 : 1))

const identity = (spec: ServiceSpec): string =>
  JSON.stringify([
    spec.command,
    spec.cwd ?? null,
    Object.entries(spec.env ?? {}).map(([name, value]) => (Redacted.isRedacted(value) ? [name] : [name, value]))
  ])

const runScript = (spec: ServiceSpec): string =>
  [
    "#!/bin/sh",
    ...(spec.cwd === undefined ? [] : [`cd -- ${quote(spec.cwd)} || exit 126`]),
    ...environment(spec).map(([name, value]) => `export ${name}=${quote(value)}`),
    spec.command,
    ""
  ].join("\n")

const endOf = (state: JobState): string => {
  switch (state._tag) {
    case "Running":
      return "runs"
    case "Exited":
      return `ended with exit code ${state.exitCode}`
    case "Killed":
      return `was ended by ${state.signal}`
    case "Lost":
      return state.cause === "reboot" ? "was lost when the machine was started anew" : "was killed from outside"
  }
}

const invalid = (step: Step, detail: string) =>
  ProvisionError.make(new ProvisionError.MachineFailed({ step, detail, outcome: "did-not-run" }))

const ofJob = (name: string, { state }: JobStatus, changed: boolean): ServiceStatus => ({
  name,
  manager: "jobs",
  state: state._tag === "Running" ? "running" : "ended",
  detail: endOf(state),
  changed
})

const startJob = Effect.fnUntraced(function* (spec: ServiceSpec) {
  const jobs = yield* Jobs.make()
  const start = (number: number) =>
    jobs.start(
      JobSpec.shell(spec.command, {
        id: attemptId(jobId(spec.name), number),
        cwd: spec.cwd,
        env: spec.env,
        maxOutput: 16 * 1024 * 1024
      })
    )
  const attempts = yield* attemptsOf(jobs, jobId(spec.name))
  const last = attempts.at(-1)
  const next = (last?.number ?? 0) + 1
  if (last?.status.state._tag !== "Running") {
    const started = yield* start(next)
    yield* clearOld(jobs, attempts)
    return ofJob(spec.name, started, true)
  }
  const found = yield* Effect.result(start(last.number))
  if (found._tag === "Success") return ofJob(spec.name, found.success, false)
  if (!whenJob("AlreadyExists")(found.failure)) return yield* found.failure
  // It runs something else, which gives way.
  yield* jobs.kill(last.status.id)
  return ofJob(spec.name, yield* start(next), true)
})

/** The job of a service, where there is one. */
const lastJob = Effect.fnUntraced(function* (name: string) {
  const jobs = yield* Jobs.make()
  const attempts = yield* attemptsOf(jobs, jobId(name))
  return { jobs, attempts, last: attempts.at(-1)?.status }
})

const managedStatus = Effect.fnUntraced(function* (
  place: Place,
  verb: "ensure" | "status" | "stop" | "restart",
  name: string,
  more: { readonly stdin?: Redacted.Redacted<string>; readonly digest?: string } = {}
): Effect.fn.Return<ServiceStatus, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> {
  const said = yield* askLines({
    step: stepOf(place),
    script: managed,
    args: [verb, place.manager, name, more.digest ?? "-"],
    changes: verb !== "status",
    ...(more.stdin === undefined ? {} : { stdin: more.stdin })
  })
  const failure = one(said, "failed")
  if (failure !== undefined) {
    return yield* ProvisionError.make(
      new ProvisionError.ServiceFailed({
        step: stepOf(place),
        name,
        manager: place.manager,
        detail: `can't be set up: ${failure}`,
        tail: []
      })
    )
  }
  return statusOf(said, name, place)
})

const statusOf = (said: Said, name: string, { manager }: Place): ServiceStatus => {
  const state = one(said, "state")
  return {
    name,
    manager,
    state: state === "running" || state === "missing" ? state : "ended",
    detail: one(said, "detail") ?? "",
    changed: said.has("changed")
  }
}

const checkName = (name: string, place: Place): Effect.Effect<void, ProvisionError.ProvisionError> =>
  namePattern.test(name)
    ? Effect.void
    : Effect.fail(invalid(stepOf(place), `"${name.slice(0, 60)}" is no name for a service`))

const asStep = <A, R>(
  place: Place,
  effect: Effect.Effect<A, ProvisionError.ProvisionError | JobsError.JobsError, R>
): Effect.Effect<A, ProvisionError.ProvisionError, R> =>
  Effect.catchTag(effect, "JobsError", (error) => Effect.fail(jobFailure(stepOf(place), error)))

/**
 * Sees to it that the service runs: nothing happens to one that does, one that ended is started, and one that runs
 * something else under this name is replaced. Fails with `ServiceFailed`, `JobFailed` or `MachineFailed`.
 *
 * @since 0.1.0
 * @category running
 */
export const ensure = (spec: ServiceSpec, place: Place): Ask<ServiceStatus> =>
  Effect.gen(function* () {
    yield* checkName(spec.name, place)
    if (place.manager === "jobs") return yield* startJob(spec)
    return yield* managedStatus(place, "ensure", spec.name, {
      stdin: Redacted.make(runScript(spec), { label: "service" }),
      digest: digestOf(identity(spec))
    })
  }).pipe((started) => asStep(place, started), Effect.withSpan("MachineService.ensure"))

/**
 * How a service does. `missing` is one that was never started, or was stopped.
 *
 * @since 0.1.0
 * @category running
 */
export const status = (name: string, place: Place): Ask<ServiceStatus> =>
  Effect.gen(function* () {
    yield* checkName(name, place)
    if (place.manager !== "jobs") return yield* managedStatus(place, "status", name)
    const { last } = yield* lastJob(name)
    return last === undefined ? missing(name, place, false) : ofJob(name, last, false)
  }).pipe((asked) => asStep(place, asked), Effect.withSpan("MachineService.status"))

const missing = (name: string, { manager }: Place, changed: boolean): ServiceStatus => ({
  name,
  manager,
  state: "missing",
  detail: "is not there",
  changed
})

/**
 * Ends a service and removes what was set up for it.
 *
 * @since 0.1.0
 * @category running
 */
export const stop = (name: string, place: Place): Ask<ServiceStatus> =>
  Effect.gen(function* () {
    yield* checkName(name, place)
    if (place.manager !== "jobs") return yield* managedStatus(place, "stop", name)
    const { attempts, jobs, last } = yield* lastJob(name)
    if (last === undefined) return missing(name, place, false)
    yield* jobs.kill(last.id)
    yield* Effect.forEach(attempts, ({ status }) => Effect.ignore(jobs.forget(status.id)), { discard: true })
    return missing(name, place, true)
  }).pipe((stopped) => asStep(place, stopped), Effect.withSpan("MachineService.stop"))

/**
 * Ends the service, and starts it with what the description says now, secrets included.
 *
 * @since 0.1.0
 * @category running
 */
export const restart = (spec: ServiceSpec, place: Place): Ask<ServiceStatus> =>
  Effect.andThen(stop(spec.name, place), ensure(spec, place)).pipe(Effect.withSpan("MachineService.restart"))

/**
 * How a service does, with what it printed, stdout and stderr: the first 64 KiB, or the last.
 *
 * @since 0.1.0
 * @category running
 */
export const inspect = (
  name: string,
  place: Place,
  part: "head" | "tail" = "tail"
): Ask<ServiceStatus & { readonly output: string }> =>
  Effect.gen(function* () {
    yield* checkName(name, place)
    if (place.manager !== "jobs") {
      const said = yield* askLines({ step: stepOf(place), script: managed, args: [part, place.manager, name, "-"] })
      return { ...statusOf(said, name, place), output: (said.get("line") ?? []).join("\n") }
    }
    const { jobs, last } = yield* lastJob(name)
    if (last === undefined) return { ...missing(name, place, false), output: "" }
    const { id, stderrBytes, stdoutBytes } = last
    const parts = yield* Effect.forEach(
      [
        ["stderr", stderrBytes],
        ["stdout", stdoutBytes]
      ] as const,
      ([stream, size]) => {
        const offset = part === "head" ? 0 : Math.max(0, size - outputBytes)
        return size === 0
          ? Effect.succeed("")
          : Effect.map(jobs.read(id, { stream, offset, maxBytes: outputBytes }), ({ data }) =>
              new TextDecoder().decode(data)
            )
      },
      { concurrency: 2 }
    )
    return { ...ofJob(name, last, false), output: parts.join("") }
  }).pipe((read) => asStep(place, read), Effect.withSpan("MachineService.inspect"))

/**
 * What the service printed, as {@link inspect} has it.
 *
 * @since 0.1.0
 * @category running
 */
export const output = (name: string, place: Place, part?: "head" | "tail"): Ask<string> =>
  Effect.map(inspect(name, place, part), ({ output }) => output)

const outputBytes = 64 * 1024
