import { Effect } from "effect"
import type * as Ssh2 from "ssh2"

/** The parts of the driver that are used at run time. It is CommonJS, so its named exports hang on the default one. */
export interface Driver {
  readonly Client: typeof Ssh2.Client
  readonly utils: typeof Ssh2.utils
  readonly createAgent: typeof Ssh2.createAgent
  readonly BaseAgent: typeof Ssh2.BaseAgent
}

/** Loads the driver when it is first needed: it costs a start of 20 ms, which commands without a machine should not pay. */
export const load: Effect.Effect<Driver> = Effect.promise(() => import("ssh2")).pipe(
  Effect.map((module): Driver => module.default ?? module)
)
