/** `toehold session` for agent sessions, by the session API. */
import { Effect, Redacted, Stream } from "effect"
import { Status } from "@toehold/bootstrap-service/Session"
import type * as SessionApi from "@toehold/session-api/SessionApi"
import * as Crypto from "node:crypto"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { secretFromEnvironment } from "../invocation.ts"
import { readBounded } from "../machine.ts"
import { note, plain, print, printJson } from "../print.ts"
import { openApi } from "../sessionApi.ts"

const stateOf = ({
  failure,
  message,
  status,
  step
}: Pick<SessionApi.Session, "failure" | "message" | "status" | "step">) =>
  plain(
    failure !== null
      ? `${status}: ${failure.message}`
      : status === "creating"
        ? `${step ?? status}: ${message}`
        : status
  )

/** The document, or a person's lines of it. */
const answer = Effect.fnUntraced(function* (invocation: Invocation, session: SessionApi.Session) {
  if (invocation.has("json")) return yield* printJson(session)
  yield* print(`${session.id}  ${session.machine}  ${stateOf(session)}\n`)
  if (session.failure !== null) yield* note(plain(session.failure.fix))
})

const number = Effect.fnUntraced(function* (invocation: Invocation, flag: string, maximum: number) {
  const text = invocation.one(flag)
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d{1,15}$/.test(text) && value <= maximum) return value
  return yield* invocation.usage(`--${flag} ${text}: write a number up to ${maximum}.`)
})

const secret = Effect.fnUntraced(function* (invocation: Invocation, flag: string) {
  const name = invocation.one(flag)
  return name === undefined ? undefined : yield* secretFromEnvironment(flag, name)
})

const given = <Name extends string, A>(name: Name, value: A | undefined): { readonly [N in Name]?: A } =>
  // One field or none.
  (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: A }

/** What the session API takes at most. */
const maxKeyBytes = 16_384
const maxKnownHostsBytes = 65_536

const textOf = Effect.fnUntraced(function* (invocation: Invocation, flag: string, maxBytes: number) {
  const path = invocation.one(flag)
  return path === undefined ? undefined : new TextDecoder().decode(yield* readBounded(path, maxBytes))
})

const readSession = Effect.fnUntraced(function* (invocation: Invocation) {
  const token = yield* secret(invocation, "git-token-env")
  const username = invocation.one("git-user")
  if (username !== undefined && token === undefined) {
    return yield* invocation.usage("--git-user goes with --git-token-env.")
  }
  const keyText = yield* textOf(invocation, "git-ssh-key-file", maxKeyBytes)
  const id = invocation.one("id") ?? (yield* Effect.sync(() => `s-${Crypto.randomBytes(10).toString("hex")}`))
  const session: SessionApi.NewSession = {
    // One of its own, so that a call whose answer was lost can be made again.
    id,
    machine: invocation.argument(0),
    repoUrl: invocation.argument(1),
    ...given("branch", invocation.one("branch")),
    ...given("vmIp", invocation.one("vm-ip")),
    ...given("workspaceBasePath", invocation.one("workspace-base")),
    ...given("opencodePort", yield* number(invocation, "opencode-port", 65535)),
    ...given("healthPollTimeoutMs", yield* invocation.duration("health-timeout")),
    ...given("shallow", invocation.has("shallow") ? true : undefined),
    ...given("credentials", token === undefined ? undefined : { ...given("username", username), token }),
    ...given("sshKey", keyText === undefined ? undefined : Redacted.make(keyText)),
    ...given("knownHosts", yield* textOf(invocation, "git-known-hosts", maxKnownHostsBytes)),
    ...given("openCodePassword", yield* secret(invocation, "opencode-password-env"))
  }
  return session
})

/** Follows a session until it is settled, and answers the exit code for its end. */
const follow = Effect.fnUntraced(function* (invocation: Invocation, id: string, after: number) {
  const api = yield* openApi(invocation)
  yield* Stream.runForEach(api.watch(id, { after, untilSettled: true }), (event) =>
    invocation.has("ndjson")
      ? printJson({ event: "session", ...event })
      : invocation.has("json")
        ? Effect.void
        : print(`${event.at}  ${stateOf(event)}\n`)
  )
  const session = yield* api.get(id)
  if (invocation.has("json")) yield* printJson(session)
  if (session.failure !== null && !invocation.has("json") && !invocation.has("ndjson")) {
    yield* note(plain(session.failure.fix))
  }
  return session.status === "error" ? ExitCode.failed : ExitCode.done
})

export const sessionCreate: Handler = (invocation) =>
  Effect.gen(function* () {
    const api = yield* openApi(invocation)
    const session = yield* api.create(yield* readSession(invocation))
    if (!invocation.has("wait")) return yield* Effect.as(answer(invocation, session), ExitCode.done)
    if (!invocation.has("json")) yield* note(`session ${session.id}`)
    return yield* follow(invocation, session.id, 0)
  })

const isStatus = (text: string | undefined): text is Status =>
  text !== undefined && Status.literals.includes(text as Status)

export const agentSessionList = Effect.fnUntraced(function* (invocation: Invocation) {
  const api = yield* openApi(invocation)
  const status = invocation.one("status")
  const page = yield* api.list({
    status: isStatus(status) ? status : undefined,
    limit: yield* number(invocation, "limit", 500),
    after: invocation.one("after")
  })
  if (invocation.has("json")) {
    yield* printJson(page)
    return ExitCode.done
  }
  const width = Math.max(0, ...page.sessions.map(({ id }) => id.length))
  const lines = page.sessions.map((session) => `${session.id.padEnd(width)}  ${session.machine}  ${stateOf(session)}\n`)
  yield* print(lines.length === 0 ? "No sessions.\n" : lines.join(""))
  if (page.next !== null) yield* note(`there are more: --after ${page.next}`)
  return ExitCode.done
})

export const sessionShow: Handler = (invocation) =>
  Effect.gen(function* () {
    const api = yield* openApi(invocation)
    const session = yield* api.get(invocation.argument(0))
    yield* answer(invocation, session)
    if (!invocation.has("json")) {
      const width = Math.max(0, ...session.steps.map(({ name }) => name.length))
      yield* print(
        session.steps
          .map(({ message, name, state }) => `  ${name.padEnd(width)}  ${state.padEnd(7)}  ${plain(message)}\n`)
          .join("")
      )
    }
    return ExitCode.done
  })

export const sessionWatch: Handler = (invocation) =>
  Effect.gen(function* () {
    if (invocation.has("json") && invocation.has("ndjson")) {
      return yield* invocation.usage("--json and --ndjson are two ways to print the same: give one.")
    }
    const after = (yield* number(invocation, "after", Number.MAX_SAFE_INTEGER)) ?? 0
    return yield* follow(invocation, invocation.argument(0), after)
  })

export const sessionRetry: Handler = (invocation) =>
  Effect.gen(function* () {
    const api = yield* openApi(invocation)
    yield* answer(invocation, yield* api.retry(invocation.argument(0)))
    return ExitCode.done
  })

export const sessionArchive: Handler = (invocation) =>
  Effect.gen(function* () {
    const api = yield* openApi(invocation)
    yield* answer(invocation, yield* api.archive(invocation.argument(0)))
    return ExitCode.done
  })

export const sessionDelete: Handler = (invocation) =>
  Effect.gen(function* () {
    const api = yield* openApi(invocation)
    const id = invocation.argument(0)
    yield* api.remove(id)
    yield* invocation.has("json") ? printJson({ removed: id }) : print(`${plain(id)}  removed\n`)
    return ExitCode.done
  })
