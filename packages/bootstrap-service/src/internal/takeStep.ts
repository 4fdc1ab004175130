import { Effect, Option, Result, Schema } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import { type Session, stepOf } from "../Session.ts"
import type { SessionConfig } from "../SessionConfig.ts"
import * as SessionStep from "../SessionStep.ts"
import type { SessionSteps } from "../SessionSteps.ts"

const outputs = {
  machine: SessionStep.MachineReady,
  console: SessionStep.ConsoleReady,
  network: SessionStep.NetworkReady,
  workspace: SessionStep.WorkspaceReady,
  repository: SessionStep.RepositoryReady,
  openCode: SessionStep.OpenCodeReady,
  health: SessionStep.Healthy
} as const

type Outputs = typeof outputs

/** What is said when a step begins. */
export const beginnings: Readonly<Record<SessionStep.SessionStep, string>> = {
  machine: "Waiting for the machine",
  console: "Connecting to the machine",
  network: "Setting up the network",
  workspace: "Making the workspace",
  repository: "Cloning the repository",
  openCode: "Starting OpenCode",
  health: "Waiting for OpenCode to answer"
}

/** What an earlier step came to; a step that comes after one without a record was taken out of turn. */
export const outputOf = <Name extends SessionStep.SessionStep>(
  session: Session,
  name: Name
): Result.Result<Outputs[Name]["Type"], BootstrapError.BootstrapError> => {
  const record = Option.getOrUndefined(stepOf(session, name))
  const unreadable = BootstrapError.make(
    new BootstrapError.StepCrashed({ step: name, detail: "what it came to is not in the store" })
  )
  if (record?.state !== "done") return Result.fail(unreadable)
  // Each name has the schema of its own step, which the index type can't say.
  const schema = outputs[name] as unknown as Schema.Codec<Outputs[Name]["Type"], Schema.Json>
  return Result.mapError(Schema.decodeResult(schema)(record.output), () => unreadable)
}

/** What a step came to, for the store. */
export interface Taken {
  readonly output: Schema.Json
  readonly workspacePath?: string
}

/** Takes one step with what the earlier ones came to. */
export const takeStep = (
  name: SessionStep.SessionStep,
  steps: SessionSteps["Service"],
  session: Session,
  config: SessionConfig,
  report: SessionStep.Report
): Effect.Effect<Taken, BootstrapError.BootstrapError> => {
  const given = <Name extends SessionStep.SessionStep>(earlier: Name) => Effect.fromResult(outputOf(session, earlier))
  switch (name) {
    case "machine":
      return Effect.map(steps.machine(config, {}, report), (output) => ({ output }))
    case "console":
      return Effect.map(steps.console(config, {}, report), (output) => ({ output }))
    case "network":
      return Effect.gen(function* () {
        const earlier = { machine: yield* given("machine"), console: yield* given("console") }
        return { output: yield* steps.network(config, earlier, report) }
      })
    case "workspace":
      return Effect.gen(function* () {
        const output = yield* steps.workspace(config, { console: yield* given("console") }, report)
        return { output, workspacePath: output.path }
      })
    case "repository":
      return Effect.gen(function* () {
        const earlier = { console: yield* given("console"), workspace: yield* given("workspace") }
        return { output: yield* steps.repository(config, earlier, report) }
      })
    case "openCode":
      return Effect.gen(function* () {
        const earlier = { console: yield* given("console"), workspace: yield* given("workspace") }
        return { output: yield* steps.openCode(config, earlier, report) }
      })
    case "health":
      return Effect.gen(function* () {
        const earlier = {
          machine: yield* given("machine"),
          console: yield* given("console"),
          openCode: yield* given("openCode")
        }
        return { output: yield* steps.health(config, earlier, report) }
      })
  }
}
