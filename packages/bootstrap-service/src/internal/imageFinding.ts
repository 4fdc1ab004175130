import { Schema } from "effect"

/**
 * One thing that a session needs. `missing`: it fails without; `advised`: it works, less well; `unknown`: the file that
 * would say may not be read.
 *
 * @since 0.1.0
 * @category models
 */
export const Finding = Schema.Struct({
  name: Schema.Literals([
    "shell",
    "account",
    "sudo",
    "autologin",
    "git",
    "network",
    "certificates",
    "setsid",
    "opencode",
    "unit",
    "linger"
  ]),
  state: Schema.Literals(["ok", "missing", "advised", "unknown"]),
  /** What was found, or is not there. */
  detail: Schema.String,
  /** What to do; empty where all is well. */
  fix: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type Finding = typeof Finding.Type
