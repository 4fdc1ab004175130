/** One step: its limit, its events, and a word now and then while it is silent. */
import { Clock, Duration, Effect, Exit, Cause, Fiber } from "effect"
import * as ProvisionError from "../../ProvisionError.ts"
import type { ProvisionEvent, Step } from "../../ProvisionEvent.ts"

export interface Reporter {
  readonly progress: (detail: string) => Effect.Effect<void>
  readonly line: (line: string) => Effect.Effect<void>
}

export interface StepResult<A> {
  readonly value: A
  readonly detail: string
  readonly skipped?: boolean
}

export interface RunnerOptions {
  readonly onEvent?: ((event: ProvisionEvent) => Effect.Effect<void>) | undefined
  readonly limits?: Partial<Readonly<Record<Step, Duration.Input>>> | undefined
  /** The longest silence. Default: 10 seconds. */
  readonly heartbeat?: Duration.Input | undefined
}

/** What each step may take, where nothing else is said. */
export const defaultLimits: Readonly<Record<Step, Duration.Input>> = {
  identity: "15 seconds",
  registration: "1 minute",
  instance: "20 minutes",
  port: "5 minutes",
  login: "4 minutes",
  shell: "1 minute",
  provisioning: "2 hours",
  services: "10 minutes",
  tunnel: "5 minutes"
}

export const makeRunner = (options: RunnerOptions) => {
  const emit = options.onEvent ?? (() => Effect.void)
  const silence = Duration.fromInputUnsafe(options.heartbeat ?? "10 seconds")

  return <A, R>(
    step: Step,
    body: (report: Reporter) => Effect.Effect<StepResult<A>, ProvisionError.ProvisionError, R>
  ): Effect.Effect<A, ProvisionError.ProvisionError, R> =>
    Effect.gen(function* () {
      const limit = Duration.fromInputUnsafe(options.limits?.[step] ?? defaultLimits[step])
      const limitMs = Duration.toMillis(limit)
      const began = yield* Clock.currentTimeMillis
      let spoke = began
      const say = (event: ProvisionEvent) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          spoke = now
          return emit(event)
        })
      yield* emit({ _tag: "Started", step, limitMs })
      const beats = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const quiet = now - spoke
        if (quiet >= Duration.toMillis(silence)) {
          yield* say({ _tag: "Heartbeat", step, elapsedMs: now - began })
          return yield* Effect.sleep(silence)
        }
        return yield* Effect.sleep(Duration.millis(Duration.toMillis(silence) - quiet))
      }).pipe(Effect.forever)
      const beating = yield* Effect.forkChild(beats)
      const report: Reporter = {
        progress: (detail) => say({ _tag: "Progress", step, detail }),
        line: (line) => say({ _tag: "Output", step, line })
      }
      const exit = yield* body(report).pipe(
        Effect.timeoutOrElse({
          duration: limit,
          orElse: () => Effect.fail(ProvisionError.make(new ProvisionError.StepTimeout({ step, limitMs })))
        }),
        Effect.exit
      )
      yield* Fiber.interrupt(beating)
      const durationMs = (yield* Clock.currentTimeMillis) - began
      if (Exit.isSuccess(exit)) {
        const { detail, skipped = false, value } = exit.value
        yield* emit({ _tag: "Done", step, durationMs, detail, skipped })
        return value
      }
      if (!Cause.hasInterruptsOnly(exit.cause)) {
        const error = Cause.squash(exit.cause)
        const detail = error instanceof Error ? error.message : String(error)
        yield* emit({ _tag: "Failed", step, durationMs, detail })
      }
      return yield* Effect.failCause(exit.cause)
    }).pipe(Effect.withSpan(`Provision.${step}`))
}

export type Runner = ReturnType<typeof makeRunner>
