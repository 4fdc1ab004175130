/** `toehold interact`, as it is called. */
import * as ExitCode from "../../ExitCode.ts"
import { commandFlags } from "../commandFlags.ts"
import type { CommandSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"

export const interact: CommandSpec = {
  name: "interact",
  summary: "Run a command in a terminal and answer what it asks",
  description: [
    "Goes through the steps in order: waits for what a step expects, then types what it sends, and Enter. Steps are given",
    "as pairs of flags, --expect TEXT --send TEXT, or as a JSON array by --script:",
    '  [{"expect":"Password:","sendEnv":"DB_PASSWORD"},{"pattern":"\\\\(y/n\\\\)","send":"y","optional":true,"timeout":"1m"}]',
    "with the fields expect or pattern (a regular expression, ^ and $ at lines), send or sendEnv, enter (false to press no Enter), timeout,",
    "optional (it may stay away) and repeat (it may come again). What --send-env and sendEnv name is a secret: it is typed",
    "only in answer to something, to a terminal that shows none of it, and is replaced in the output where it shows",
    "nonetheless. A question that no step answers ends the command with an error. What the terminal showed is printed, and",
    "the command's exit code is passed on, as with exec."
  ].join("\n"),
  arguments: [machineArgument],
  rest: "CMD [ARG...]",
  flags: [
    { name: "expect", value: "TEXT", isRepeatable: true, summary: "A step that waits for this text, as it stands" },
    { name: "expect-pattern", value: "REGEXP", isRepeatable: true, summary: "A step that waits for this pattern" },
    { name: "send", value: "TEXT", isRepeatable: true, summary: "What is typed then" },
    {
      name: "send-env",
      value: "NAME",
      isRepeatable: true,
      summary: "The same, a secret from the caller's environment"
    },
    { name: "script", value: "FILE", isFile: true, summary: "The steps as JSON; - for standard input" },
    { name: "step-timeout", value: "DURATION", summary: "Longest wait for a step (default: 30s)" },
    { name: "timeout", value: "DURATION", summary: "Longest time for all of it, connecting included" },
    {
      name: "prompt-timeout",
      value: "DURATION",
      summary: "How long a question that no step answers is waited at; none: as long as the steps take (default: 2s)"
    },
    ...commandFlags.filter(({ name }) => name === "shell" || name === "cwd" || name === "env"),
    {
      name: "max-output",
      value: "SIZE",
      summary: "Bytes kept of what the terminal shows, head and tail (default: 256KiB with --json, else 1MiB)"
    },
    { name: "json", summary: "Print one JSON document" },
    ...machineFlags
  ],
  examples: [
    {
      command: "toehold interact web --expect 'password for' --send-env SUDO_PASSWORD -- sudo systemctl restart nginx",
      summary: "a password for sudo"
    },
    {
      command: "toehold interact web --script steps.json --json -- ./install.sh",
      summary: "an installer with many questions"
    }
  ],
  document:
    '{"machine","command","exitCode","signal","stdout","encoding","stdoutBytes","truncated","steps":[{"expect","matches"}],"durationMs","outcome"}',
  failureCode: ExitCode.ofExecFailure,
  load: () => import("../command/interact.ts").then(({ interact }) => interact)
}
