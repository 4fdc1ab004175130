import { Effect, Layer, Schema } from "effect"
import { Activity, Workflow, type WorkflowEngine } from "effect/workflow"
import type { BootstrapError } from "../BootstrapError.ts"
import type { SessionMachines } from "../SessionMachines.ts"
import { inOrder } from "../SessionStep.ts"
import type { SessionStore } from "../SessionStore.ts"
import { keyOf, Run } from "./runKey.ts"
import { makeSessionRun, type RunOptions, type StepEnd } from "./sessionRun.ts"

/** Brings a session to `ready`. */
export const BootstrapWorkflow = Workflow.make("toehold/Bootstrap", { payload: Run, idempotencyKey: keyOf })

/** Ends what an archived session has left running on its machine. */
export const StopWorkflow = Workflow.make("toehold/Stop", { payload: Run, idempotencyKey: keyOf })

const End = Schema.Literals(["done", "failed", "stopped"])

/** What the store refuses for good is a fault of this program: the engine keeps it with the run. */
const activity = (name: string, execute: Effect.Effect<StepEnd, BootstrapError>) =>
  Activity.make({ name, success: End, execute: Effect.orDie(execute) })

/** The workflows, run by this process. */
export const workflows = (
  options: RunOptions
): Layer.Layer<never, never, SessionStore | SessionMachines | WorkflowEngine.WorkflowEngine> =>
  Layer.unwrap(
    Effect.map(makeSessionRun(options), ({ hold, opener, release, step, stop }) => {
      const bootstrap = Effect.fnUntraced(function* (run: Run) {
        const open = yield* opener(run)
        let end = yield* activity("hold", hold(run))
        for (const name of inOrder) {
          if (end === "done") end = yield* activity(name, step(run, name, open))
        }
        if (end === "stopped") yield* activity("stop", Effect.as(stop(run, open), "done"))
        yield* activity("release", Effect.as(release(run), "done"))
      }, Effect.scoped)

      const stopOnly = Effect.fnUntraced(function* (run: Run) {
        const open = yield* opener(run)
        yield* activity("stop", Effect.as(stop(run, open), "done"))
      }, Effect.scoped)

      return Layer.mergeAll(BootstrapWorkflow.toLayer(bootstrap), StopWorkflow.toLayer(stopOnly))
    })
  )
