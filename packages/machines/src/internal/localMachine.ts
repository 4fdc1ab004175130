/** This machine itself. */
import type { ChildProcessSpawner } from "effect/process"
import * as SshError from "@toehold/ssh-core/SshError"
import type * as ProcessCommands from "./processCommands.ts"

export const make = (
  processes: ChildProcessSpawner.ChildProcessSpawner["Service"],
  os: string
): ProcessCommands.Machine<never> => ({
  name: "local:",
  terminalHint: "Leave --pty out, or run the program itself in the terminal that you have.",
  os,
  processes,
  failed: ({ reason }, { command: path }) => {
    const detail = reason.description ?? reason._tag
    return SshError.make(
      reason._tag === "NotFound"
        ? new SshError.NotFound({ path })
        : reason._tag === "PermissionDenied"
          ? new SshError.PermissionDenied({ path, detail })
          : new SshError.FileFailed({ path, detail })
    )
  },
  outOfTime: (reason, details) =>
    SshError.make(
      reason === "CommandTimeout" ? new SshError.CommandTimeout(details) : new SshError.IdleTimeout(details)
    )
})
