/** The end of what runs of a session. */
import { Effect } from "effect"
import type { Jobs } from "@toehold/jobs/Jobs"
import * as BootstrapError from "../../BootstrapError.ts"
import type { SessionConfig } from "../../SessionConfig.ts"
import type { ConsoleReady, Report } from "../../SessionStep.ts"
import { run, type Spawner } from "../machineShell.ts"
import { jobId as serveId, ofJob } from "../openCodeProcess.ts"
import * as script from "../script/openCode.ts"
import { jobId as cloneId } from "./repository.ts"

const step = "openCode"

export const stop = (spawner: Spawner, jobs: Jobs["Service"]) =>
  Effect.fn("SessionSteps.stop")(function* ({ sessionId }: SessionConfig, console: ConsoleReady, report: Report) {
    yield* report("Stopping what runs of the session")
    yield* Effect.forEach(
      [cloneId(sessionId), serveId(sessionId)],
      (id) =>
        Effect.andThen(jobs.kill(id), jobs.forget(id)).pipe(
          Effect.catchIf(
            ({ reason }) => reason._tag === "NotFound",
            () => Effect.void
          ),
          Effect.mapError(ofJob(step))
        ),
      { concurrency: 2, discard: true }
    )
    const facts = yield* run(spawner, { step, text: script.stop, args: [sessionId], as: console })
    const detail = facts.get("fail")
    if (detail !== undefined)
      return yield* BootstrapError.make(new BootstrapError.OpenCodeFailed({ step, detail, log: [] }))
    yield* report("The session is stopped")
  })
