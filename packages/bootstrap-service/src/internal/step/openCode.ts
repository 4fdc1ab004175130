/** OpenCode runs in the workspace. */
import { Effect, Redacted } from "effect"
import type { Jobs } from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import { isDone } from "@toehold/jobs/JobStatus"
import * as BootstrapError from "../../BootstrapError.ts"
import { defaultOpencodePort, type SessionConfig } from "../../SessionConfig.ts"
import type { ConsoleReady, OpenCodeReady, WorkspaceReady, Report } from "../../SessionStep.ts"
import { run, type Spawner, wordsAs } from "../machineShell.ts"
import { failureOf, jobId, ofJob, unitName } from "../openCodeProcess.ts"
import * as script from "../script/openCode.ts"
import { find, startFresh } from "../startFresh.ts"

const step = "openCode"

/** A value as systemd.exec(5) has it in a file of an environment. */
const quoted = (value: string): string => `"${value.replace(/["\\`$]/g, "\\$&")}"`

const environmentFile = (
  env: Readonly<Record<string, string | Redacted.Redacted<string>>>
): Redacted.Redacted<string> =>
  Redacted.make(
    Object.entries(env)
      .map(([name, value]) => `${name}=${quoted(Redacted.isRedacted(value) ? Redacted.value(value) : value)}\n`)
      .join("")
  )

export const openCode = (spawner: Spawner, jobs: Jobs["Service"]) =>
  Effect.fn("SessionSteps.openCode")(function* (
    config: SessionConfig,
    { console, workspace: { path } }: { readonly console: ConsoleReady; readonly workspace: WorkspaceReady },
    report: Report
  ): Effect.fn.Return<OpenCodeReady, BootstrapError.BootstrapError> {
    const { openCodePassword, opencodePort = defaultOpencodePort, sessionId } = config
    const env = {
      OPENCODE_PORT: String(opencodePort),
      ...(openCodePassword === undefined ? {} : { OPENCODE_SERVER_PASSWORD: openCodePassword })
    }
    const id = jobId(sessionId)
    const before = yield* Effect.mapError(find(jobs, id), ofJob(step))
    if (before !== undefined && !isDone(before)) {
      yield* report("OpenCode is running already")
      return { by: "job", name: id, wasRunning: true }
    }
    yield* report("Starting OpenCode")
    const facts = yield* run(spawner, {
      step,
      text: script.start,
      args: [sessionId, path, String(opencodePort)],
      as: console,
      stdin: environmentFile(env)
    })
    if (facts.get("taken") !== undefined) {
      return yield* BootstrapError.make(new BootstrapError.PortTaken({ step, port: opencodePort, log: [] }))
    }
    const failure = facts.get("fail")
    if (failure !== undefined) {
      return yield* BootstrapError.make(failureOf(step, opencodePort, failure, []))
    }
    if (facts.get("by") === "systemd") {
      const wasRunning = facts.get("was") === "active"
      const name = unitName(sessionId)
      yield* report(wasRunning ? "OpenCode is running already" : `OpenCode was started by systemd (${name})`)
      return { by: "systemd", name, wasRunning }
    }
    const program = facts.get("program")
    if (program === undefined) return yield* BootstrapError.make(new BootstrapError.OpenCodeMissing({}))
    const as = wordsAs(console, script.serve, [path, program, String(opencodePort)])
    const spec = JobSpec.argv(as.words, { maxOutput: 16 * 1024 * 1024, env: { ...as.env, ...env } })
    yield* Effect.mapError(startFresh(jobs, { ...spec, id }, before), ofJob(step))
    yield* report("OpenCode was started as a process of its own")
    return { by: "job", name: id, wasRunning: false }
  })
