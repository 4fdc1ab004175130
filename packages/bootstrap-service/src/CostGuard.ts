/**
 * A guard on a rented instance that stops it, and with it its billing, when its time is over or nobody uses it: from the
 * inside, by the instance's own key, with no client connected.
 *
 * @since 0.1.0
 */
import { Duration, Effect } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { askLines } from "./internal/provision/ask.ts"
import { guard, guardCheck } from "./internal/provision/guardScript.ts"
import type { MachineFacts } from "./MachineFacts.ts"
import * as MachineService from "./MachineService.ts"
import * as ProvisionError from "./ProvisionError.ts"

/**
 * When to stop. Idle is an instance whose GPUs do nothing (5 % or less), or one without GPUs whose load is below 0.5.
 *
 * **Gotchas**
 *
 * The time begins with the first call and goes on over restarts of the guard; the same limit again changes nothing,
 * another one begins anew. An instance that is started again after the guard stopped it has no guard until it is armed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly maxTime?: Duration.Input | undefined
  readonly idleFor?: Duration.Input | undefined
  /** Default: 60 seconds between two looks. */
  readonly every?: Duration.Input | undefined
  /** The API's origin. Default: the real service. */
  readonly api?: string | undefined
}

const name = "cost-guard"

const seconds = (duration: Duration.Input | undefined): string =>
  duration === undefined ? "-" : String(Math.max(1, Math.ceil(Duration.toSeconds(duration))))

/**
 * Arms the guard: it runs as a service, and one with the same limits goes on. Fails with `GuardUnavailable` where the
 * machine is no instance that can stop itself.
 *
 * @since 0.1.0
 * @category running
 */
export const arm = Effect.fn("CostGuard.arm")(function* (
  options: Options,
  facts: Pick<MachineFacts, "manager" | "path">
): Effect.fn.Return<
  { readonly value: void; readonly detail: string; readonly skipped: boolean },
  ProvisionError.ProvisionError,
  ChildProcessSpawner.ChildProcessSpawner
> {
  const said = yield* askLines({ step: "shell", script: guardCheck })
  const missing = said.get("missing") ?? []
  if (missing.length > 0) return yield* ProvisionError.make(new ProvisionError.GuardUnavailable({ missing }))
  const { changed } = yield* MachineService.ensure(
    {
      name,
      command: guard,
      env: {
        PATH: facts.path,
        TH_API: (options.api ?? "https://console.vast.ai").replace(/\/+$/, ""),
        TH_HOURS: seconds(options.maxTime),
        TH_IDLE: seconds(options.idleFor),
        TH_EVERY: seconds(options.every ?? "60 seconds")
      }
    },
    { manager: facts.manager, step: "shell" }
  )
  const when = [
    ...(options.maxTime === undefined ? [] : [`after ${Duration.format(Duration.fromInputUnsafe(options.maxTime))}`]),
    ...(options.idleFor === undefined
      ? []
      : [`when idle for ${Duration.format(Duration.fromInputUnsafe(options.idleFor))}`])
  ]
  return { value: undefined, detail: `the instance stops itself ${when.join(" or ")}`, skipped: !changed }
})

/**
 * What the guard said so far.
 *
 * @since 0.1.0
 * @category running
 */
export const report = (
  facts: Pick<MachineFacts, "manager">
): Effect.Effect<string, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> =>
  MachineService.output(name, { manager: facts.manager, step: "shell" })

/**
 * Takes the guard away.
 *
 * @since 0.1.0
 * @category running
 */
export const disarm = (
  facts: Pick<MachineFacts, "manager">
): Effect.Effect<boolean, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.map(MachineService.stop(name, { manager: facts.manager, step: "shell" }), ({ changed }) => changed)
