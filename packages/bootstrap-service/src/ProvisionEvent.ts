/**
 * What is reported on the way from a machine that exists to one that is ready.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"

/**
 * The steps, in the order in which they come. The first five are for a rented instance, the others for any machine.
 *
 * @since 0.1.0
 * @category models
 */
export const Step = Schema.Literals([
  "identity",
  "registration",
  "instance",
  "port",
  "login",
  "shell",
  "provisioning",
  "services",
  "tunnel"
])

/**
 * @since 0.1.0
 * @category models
 */
export type Step = typeof Step.Type

/**
 * One event. `Started` opens a step and says how long it may take; `Progress` is news, in words; `Output` a line that the
 * provisioning script printed; `Heartbeat` says after some silence that the step goes on; `Done` and `Failed` close it. A
 * step that found its work done says so with `skipped`. Times are in milliseconds, and no text holds a secret.
 *
 * @since 0.1.0
 * @category models
 */
export type ProvisionEvent =
  | { readonly _tag: "Started"; readonly step: Step; readonly limitMs: number }
  | { readonly _tag: "Progress"; readonly step: Step; readonly detail: string }
  | { readonly _tag: "Output"; readonly step: Step; readonly line: string }
  | { readonly _tag: "Heartbeat"; readonly step: Step; readonly elapsedMs: number }
  | {
      readonly _tag: "Done"
      readonly step: Step
      readonly durationMs: number
      readonly detail: string
      readonly skipped: boolean
    }
  | { readonly _tag: "Failed"; readonly step: Step; readonly durationMs: number; readonly detail: string }
