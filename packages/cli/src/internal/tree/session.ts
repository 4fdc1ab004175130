/** `toehold session`, as it is called. */
import * as ExitCode from "../../ExitCode.ts"
import type { CommandSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"

export const session: CommandSpec = {
  name: "session",
  summary: "Terminal sessions that outlive the connection (tmux or screen)",
  children: [
    {
      name: "list",
      summary: "The sessions on a machine",
      arguments: [machineArgument],
      flags: [{ name: "json", summary: "Print one JSON document" }, ...machineFlags],
      document: '{"sessions":[{"name","program","attached","windows","createdAt"}]}',
      load: () => import("../command/session.ts").then(({ sessionList }) => sessionList)
    },
    {
      name: "attach",
      summary: "Sit down at a session, which is made where there is none of that name",
      description: [
        "For a person: it needs a terminal here. The session goes on when you leave it (Ctrl-b d in tmux, Ctrl-a d in",
        "screen) and when the connection is lost. After Enter, ~. cuts the connection and ~~ is one ~."
      ].join("\n"),
      arguments: [machineArgument, { name: "NAME", summary: "the session (default: main)", isOptional: true }],
      flags: machineFlags,
      examples: [
        { command: "toehold session attach web", summary: "the session main" },
        { command: "toehold session attach root@host train", summary: "another one" }
      ],
      failureCode: ExitCode.ofExecFailure,
      load: () => import("../command/session.ts").then(({ sessionAttach }) => sessionAttach)
    }
  ]
}
