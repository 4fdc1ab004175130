/** `toehold session`: terminal sessions that outlive the connection, and the list of either kind of session. */
import { Effect } from "effect"
import * as SshTerminal from "@toehold/ssh-core/SshTerminal"
import type { Handler } from "../commandSpec.ts"
import { loginOptions, readReach } from "../machine.ts"
import { apiUrl } from "../sessionApi.ts"
import { agentSessionList } from "./agentSession.ts"
import { sitAt } from "../personAtTerminal.ts"
import { plain, print, printJson } from "../print.ts"

const defaultName = "main"

export const sessionAttach: Handler = (invocation) =>
  sitAt(invocation, (ssh, options) => SshTerminal.attach(ssh, invocation.arguments[1] ?? defaultName, options))

export const sessionList: Handler = (invocation) =>
  Effect.gen(function* () {
    if (invocation.arguments[0] !== undefined) return yield* terminalSessionList(invocation)
    if ((yield* apiUrl(invocation)) !== undefined) return yield* agentSessionList(invocation)
    return yield* invocation.usage(
      "It is not said whose sessions to list.",
      "Give MACHINE for the terminal sessions of a machine, or --api URL for agent sessions."
    )
  })

const terminalSessionList: Handler = (invocation) =>
  Effect.gen(function* () {
    const reach = yield* readReach(invocation, invocation.argument(0))
    const ssh = yield* reach(yield* loginOptions(invocation))
    const sessions = yield* SshTerminal.list(ssh)
    if (invocation.has("json")) {
      yield* printJson({
        sessions: sessions.map(({ createdAt, isAttached, name, program, windows }) => ({
          name,
          program,
          attached: isAttached,
          windows: windows ?? null,
          createdAt: createdAt === undefined ? null : new Date(createdAt).toISOString()
        }))
      })
      return 0
    }
    const width = Math.max(0, ...sessions.map(({ name }) => plain(name).length))
    const lines = sessions.map(
      ({ isAttached, name, program }) =>
        `${plain(name).padEnd(width)}  ${program.padEnd(6)}  ${isAttached ? "attached" : "free"}\n`
    )
    yield* print(sessions.length === 0 ? "No sessions.\n" : lines.join(""))
    return 0
  }).pipe(Effect.scoped)
