/** OpenCode while it runs, whichever way it was started: whether it still does, and what it wrote last. */
import { Effect } from "effect"
import type { Jobs } from "@toehold/jobs/Jobs"
import type * as JobsError from "@toehold/jobs/JobsError"
import { isDone, type JobStatus } from "@toehold/jobs/JobStatus"
import * as BootstrapError from "../BootstrapError.ts"
import type { ConsoleReady, OpenCodeReady, SessionStep } from "../SessionStep.ts"
import { run, type Spawner } from "./machineShell.ts"
import * as script from "./script/openCode.ts"
import { ofJobs } from "./transport.ts"

export const jobId = (sessionId: string): string => `serve-${sessionId}`

export const unitName = (sessionId: string): string => `opencode@${sessionId}.service`

export interface Look {
  /** What it came to; absent while it runs. */
  readonly ended: string | undefined
  /** The last lines of its output, oldest first. */
  readonly log: ReadonlyArray<string>
}

export interface Asked {
  readonly step: SessionStep
  readonly sessionId: string
  readonly console: ConsoleReady
  readonly openCode: OpenCodeReady
}

const maxLines = 20

const tailBytes = 8192

const lastLines = (text: string): ReadonlyArray<string> =>
  text
    .split(/[\r\n]+/)
    .map((line) =>
      line
        .replace(/\p{Cc}+/gu, " ")
        .trim()
        .slice(0, 1000)
    )
    .filter((line) => line !== "")
    .slice(-maxLines)

const endOf = ({ state }: JobStatus): string => {
  switch (state._tag) {
    case "Exited":
      return `it ended with exit code ${state.exitCode}`
    case "Killed":
      return `${state.signal} ended it`
    case "Lost":
      return state.cause === "reboot" ? "the machine was started anew" : "it was killed from outside"
    case "Running":
      return "it runs"
  }
}

export const ofJob = (step: SessionStep) =>
  ofJobs(
    step,
    ({ reason }: JobsError.JobsError) => new BootstrapError.OpenCodeFailed({ step, detail: reason.message, log: [] })
  )

const lookAtJob = Effect.fnUntraced(function* (jobs: Jobs["Service"], id: string) {
  const status = yield* jobs.status(id)
  const tails = yield* Effect.forEach(["stdout", "stderr"] as const, (stream) => {
    const bytes = stream === "stdout" ? status.stdoutBytes : status.stderrBytes
    return bytes === 0
      ? Effect.succeed("")
      : Effect.map(jobs.read(id, { stream, offset: Math.max(0, bytes - tailBytes), maxBytes: tailBytes }), ({ data }) =>
          new TextDecoder().decode(data)
        )
  })
  const found: Look = { ended: isDone(status) ? endOf(status) : undefined, log: lastLines(tails.join("\n")) }
  return found
})

const running = new Set(["active", "activating", "reloading", "deactivating"])

const lookAtUnit = Effect.fnUntraced(function* (spawner: Spawner, { console, sessionId, step }: Asked) {
  const facts = yield* run(spawner, { step, text: script.status, args: [sessionId], as: console })
  const state = facts.get("state") ?? ""
  const found: Look = {
    ended: running.has(state) ? undefined : `its unit is ${state === "" ? "unknown" : state}`,
    log: lastLines(facts.all("log").join("\n"))
  }
  return found
})

export const look = (
  spawner: Spawner,
  jobs: Jobs["Service"],
  asked: Asked
): Effect.Effect<Look, BootstrapError.BootstrapError> =>
  asked.openCode.by === "systemd"
    ? lookAtUnit(spawner, asked)
    : Effect.mapError(lookAtJob(jobs, asked.openCode.name), ofJob(asked.step))

const takenPort = /EADDRINUSE|address already in use|Is port [0-9]+ in use/i

/** Why it doesn't run, by what it wrote. */
export const failureOf = (
  step: SessionStep,
  port: number,
  detail: string,
  log: ReadonlyArray<string>
): BootstrapError.Reason =>
  log.some((line) => takenPort.test(line))
    ? new BootstrapError.PortTaken({ step, port, log })
    : new BootstrapError.OpenCodeFailed({ step, detail, log })
