/** `toehold session`, as it is called. */
import * as ExitCode from "../../ExitCode.ts"
import type { ArgumentSpec, CommandSpec, FlagSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"
import { apiFlags } from "../sessionApiFlags.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }
const ndjsonFlag: FlagSpec = { name: "ndjson", summary: "Print one JSON event a line as things happen" }
const id: ArgumentSpec = { name: "ID", summary: "the agent session" }

const document =
  '{"id","status","run","step","message","failure","machine","repoUrl","branch","workspacePath","steps":[...],"createdAt","updatedAt","revision"}'

const load = () => import("../command/agentSession.ts")

export const session: CommandSpec = {
  name: "session",
  summary: "Agent sessions of a session API, and terminal sessions on a machine",
  description: [
    "create, show, watch, retry, archive and delete are about agent sessions: an api-worker (--api) brings a machine from",
    "existing to an agent that answers. attach is about terminal sessions on a machine (tmux or screen), which outlive",
    "the connection. list does both: with MACHINE it lists terminal sessions, with --api agent sessions."
  ].join("\n"),
  children: [
    {
      name: "create",
      summary: "Start an agent session",
      description: [
        "Returns when the session is on file, or with --wait when it is ready or failed (exit code 1). To repeat the call",
        "with the same --id starts nothing twice."
      ].join("\n"),
      arguments: [
        { name: "MACHINE", summary: "the name that the API has for the machine" },
        { name: "REPOSITORY", summary: "URL of a git repository" }
      ],
      flags: [
        { name: "id", value: "ID", summary: "The session's id (default: a new one)" },
        { name: "branch", value: "NAME", summary: "A branch, tag or commit (default: the repository's own)" },
        { name: "shallow", summary: "Fetch the one commit alone" },
        { name: "vm-ip", value: "IP", summary: "The machine's address, where the API does not have it" },
        { name: "workspace-base", value: "DIR", summary: "Folder on the machine that each session has one in" },
        { name: "opencode-port", value: "N", summary: "Default: 4096" },
        { name: "health-timeout", value: "DURATION", summary: "How long OpenCode may take to answer (default: 2m)" },
        { name: "git-token-env", value: "NAME", summary: "Environment variable with a token for the repository" },
        { name: "git-user", value: "USER", summary: "The user that goes with the token" },
        { name: "git-ssh-key-file", value: "FILE", summary: "Private key without a passphrase, for an ssh URL" },
        { name: "git-known-hosts", value: "FILE", summary: "The host keys that the server of an ssh URL may show" },
        { name: "opencode-password-env", value: "NAME", summary: "Environment variable with OpenCode's password" },
        { name: "wait", summary: "Follow it until it is ready or failed" },
        jsonFlag,
        ndjsonFlag,
        ...apiFlags
      ],
      examples: [
        {
          command:
            "toehold session create vm-7 https://github.com/example/app.git --branch main --wait --api https://sessions.example.com",
          summary: "from a machine to an agent that answers; the token is in TOEHOLD_API_TOKEN"
        }
      ],
      document,
      load: () => load().then(({ sessionCreate }) => sessionCreate)
    },
    {
      name: "show",
      summary: "An agent session and its steps",
      arguments: [id],
      flags: [jsonFlag, ...apiFlags],
      document,
      load: () => load().then(({ sessionShow }) => sessionShow)
    },
    {
      name: "watch",
      summary: "What happens to an agent session, until it is ready, failed or archived",
      description: "Goes on over lost connections. Exits with 1 when the session failed.",
      arguments: [id],
      flags: [
        { name: "after", value: "N", summary: "Begin behind this event (default: with the first)" },
        jsonFlag,
        ndjsonFlag,
        ...apiFlags
      ],
      document: `${document}, at the end`,
      load: () => load().then(({ sessionWatch }) => sessionWatch)
    },
    {
      name: "retry",
      summary: "Try an agent session that failed again, at the first step that is not done",
      arguments: [id],
      flags: [jsonFlag, ...apiFlags],
      document,
      load: () => load().then(({ sessionRetry }) => sessionRetry)
    },
    {
      name: "archive",
      summary: "Stop an agent session for good",
      arguments: [id],
      flags: [jsonFlag, ...apiFlags],
      document,
      load: () => load().then(({ sessionArchive }) => sessionArchive)
    },
    {
      name: "delete",
      summary: "Stop an agent session and forget it, with its history",
      arguments: [id],
      flags: [jsonFlag, ...apiFlags],
      document: '{"removed"}',
      load: () => load().then(({ sessionDelete }) => sessionDelete)
    },
    {
      name: "list",
      summary: "The terminal sessions on a machine, or with --api the agent sessions",
      arguments: [{ ...machineArgument, isOptional: true }],
      flags: [
        jsonFlag,
        {
          name: "status",
          value: "STATUS",
          choices: ["creating", "ready", "error", "archived"],
          summary: "Agent sessions in this status alone"
        },
        { name: "limit", value: "N", summary: "Agent sessions at most: 1 to 500 (default: 50)" },
        { name: "after", value: "NEXT", summary: "The page of agent sessions behind this one" },
        ...apiFlags,
        ...machineFlags
      ],
      document:
        '{"sessions":[{"name","program","attached","windows","createdAt"}]}, with --api {"sessions":[...],"next"}, each as of session show',
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
