/** `toehold shell`, as it is called. */
import * as ExitCode from "../../ExitCode.ts"
import type { CommandSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"

export const shell: CommandSpec = {
  name: "shell",
  summary: "The login shell of a machine in this terminal",
  description: [
    "For a person: it needs a terminal here; programs use exec. The shell's exit code is passed on. After Enter, ~. cuts",
    "the connection and ~~ is one ~. What runs in the shell ends with the connection: see toehold session attach."
  ].join("\n"),
  arguments: [machineArgument],
  flags: machineFlags,
  examples: [{ command: "toehold shell root@host:2222", summary: "like ssh" }],
  failureCode: ExitCode.ofExecFailure,
  load: () => import("../command/shell.ts").then(({ shell }) => shell)
}
