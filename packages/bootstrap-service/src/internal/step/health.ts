/** OpenCode answers over the network. */
import { Clock, Duration, Effect, Redacted, Result, Schema, Stream } from "effect"
import { type HttpClient, HttpClientRequest } from "effect/http"
import type { Jobs } from "@toehold/jobs/Jobs"
import * as BootstrapError from "../../BootstrapError.ts"
import { defaultOpencodePort, type SessionConfig } from "../../SessionConfig.ts"
import type { ConsoleReady, Healthy, MachineReady, OpenCodeReady, Report } from "../../SessionStep.ts"
import type { Spawner } from "../machineShell.ts"
import { failureOf, type Look, look as lookAt } from "../openCodeProcess.ts"
import { scrubber } from "../secrets.ts"

const step = "health"

const maxBody = 64 * 1024

const Answer = Schema.fromJsonString(
  Schema.Struct({ healthy: Schema.Boolean, version: Schema.optionalKey(Schema.String) })
)

const decode = Schema.decodeUnknownResult(Answer)

/** One look: it answers, it doesn't yet, or it will not. */
type Seen =
  | { readonly _tag: "Healthy"; readonly version: string | undefined }
  | { readonly _tag: "NotYet"; readonly why: string }
  | { readonly _tag: "Refused" }

export interface Given {
  readonly machine: MachineReady
  readonly console: ConsoleReady
  readonly openCode: OpenCodeReady
}

export interface Poll {
  readonly ip: string
  readonly port: number
  readonly password: Redacted.Redacted<string> | undefined
  readonly requestTimeout: Duration.Input
}

export const urlOf = ({ ip, port }: Pick<Poll, "ip" | "port">): string => `http://${ip}:${port}/global/health`

/** Requests may be accepted and never answered while OpenCode starts: each has a limit of its own. */
export const look = (
  client: HttpClient.HttpClient,
  { ip, password, port, requestTimeout }: Poll
): Effect.Effect<Seen> => {
  const plain = HttpClientRequest.get(urlOf({ ip, port }), { headers: { accept: "application/json" } })
  const request =
    password === undefined ? plain : HttpClientRequest.basicAuth(plain, "opencode", Redacted.value(password))
  return Effect.scoped(
    Effect.gen(function* () {
      const response = yield* client.execute(request)
      if (response.status === 401 || response.status === 403) {
        const refused: Seen = { _tag: "Refused" }
        return refused
      }
      const body = yield* Stream.runFold(
        Stream.decodeText(response.stream),
        () => "",
        (whole, part) => (whole + part).slice(0, maxBody)
      )
      if (response.status !== 200) return notYet(`it answers with status ${response.status}`)
      const answer = decode(body)
      if (Result.isFailure(answer)) return notYet("what answers there is not OpenCode")
      if (!answer.success.healthy) return notYet("it says that it is not healthy")
      const healthy: Seen = { _tag: "Healthy", version: answer.success.version?.slice(0, 100) }
      return healthy
    })
  ).pipe(
    Effect.timeoutOrElse({
      duration: requestTimeout,
      orElse: () => Effect.succeed(notYet(`no answer within ${Duration.toMillis(requestTimeout)} ms`))
    }),
    Effect.catch((error) => Effect.succeed(notYet(wordsOf(error))))
  )
}

const notYet = (why: string): Seen => ({ _tag: "NotYet", why })

/** What the system said, and not the request, which may hold the password. */
const wordsOf = (error: unknown): string => {
  for (let cause: unknown = error, depth = 0; typeof cause === "object" && cause !== null && depth < 6; depth++) {
    const code = "code" in cause ? cause.code : undefined
    if (typeof code === "string") return connectionWords[code] ?? code.slice(0, 60)
    cause = "cause" in cause && cause.cause !== undefined ? cause.cause : "reason" in cause ? cause.reason : undefined
  }
  return "no connection"
}

const connectionWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to the machine",
  ENETUNREACH: "no route to the machine's network",
  ETIMEDOUT: "the connection timed out"
}

/** How often the process itself is looked at meanwhile. */
const processInterval = 5000

/** How long such a look may take; a console is slow, and may be gone. */
const processTimeout = "15 seconds"

export const health = (
  spawner: Spawner,
  jobs: Jobs["Service"],
  client: HttpClient.HttpClient,
  requestTimeout: Duration.Input
) =>
  Effect.fn("SessionSteps.health")(function* (config: SessionConfig, given: Given, report: Report) {
    const { healthPollIntervalMs = 1000, healthPollTimeoutMs = 120_000, openCodePassword, sessionId } = config
    const own = config.opencodePort ?? defaultOpencodePort
    const { ip, port } = given.machine.agent ?? { ip: given.machine.ip, port: own }
    const url = urlOf({ ip, port })
    const scrub = scrubber(config)
    const { console, openCode } = given
    const process = Effect.map(
      lookAt(spawner, jobs, { step, sessionId, console, openCode }),
      ({ ended, log }): Look => ({
        ended,
        log: log.map(scrub)
      })
    )
    /** A console that is gone takes no part: OpenCode may be well. */
    const lastWords = process.pipe(
      Effect.timeout(processTimeout),
      Effect.orElseSucceed((): Look => ({ ended: undefined, log: [] }))
    )

    yield* report(`Waiting for OpenCode at ${url}`)
    const began = yield* Clock.currentTimeMillis
    let looked = began
    let seen: Seen = notYet("no look was taken")
    while (true) {
      seen = yield* look(client, { ip, port, password: openCodePassword, requestTimeout })
      if (seen._tag === "Healthy") {
        yield* report(`OpenCode${seen.version === undefined ? "" : ` ${seen.version}`} answers at ${url}`)
        const healthy: Healthy = { url, ...(seen.version === undefined ? {} : { version: seen.version }) }
        return healthy
      }
      if (seen._tag === "Refused") {
        const { log } = yield* lastWords
        const isGiven = openCodePassword !== undefined
        return yield* BootstrapError.make(new BootstrapError.PasswordRejected({ url, given: isGiven, log }))
      }
      const now = yield* Clock.currentTimeMillis
      const isOver = now - began >= healthPollTimeoutMs
      if (isOver || now - looked >= processInterval) {
        const { ended, log } = yield* lastWords
        if (ended !== undefined) return yield* BootstrapError.make(failureOf(step, own, ended, log))
        if (isOver) {
          const timeoutMs = healthPollTimeoutMs
          return yield* BootstrapError.make(new BootstrapError.HealthTimeout({ url, timeoutMs, seen: seen.why, log }))
        }
        looked = now
        yield* report(`Still waiting for OpenCode at ${url}: ${seen.why}`)
      }
      yield* Effect.sleep(Math.min(healthPollIntervalMs, Math.max(1, began + healthPollTimeoutMs - now)))
    }
  })
