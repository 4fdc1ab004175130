/** Machines of a pool, and what tests look at. */
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as Fs from "node:fs"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshPool from "@toehold/ssh-core/SshPool"
import type { SshServer } from "@toehold/lab/SshServer"

/** A command line that logs in with the server's key and looks at none of the user's own files. */
export const lineFor = (server: SshServer, options: ReadonlyArray<string> = [], port = server.port): string =>
  [
    "ssh -F none",
    `-i ${server.privateKeyPath}`,
    ...options.map((option) => `-o ${option}`),
    `-p ${port} ${server.user}@${server.host}`
  ].join(" ")

/** Whoever answers is taken for the machine: a proxy in front of it has a name of its own. */
export const trusting: SshLogin.Options = { hostKeyPolicy: "off" }

/** A client of a pool of its own. */
export const pooled = Effect.fnUntraced(function* (
  line: string,
  options: SshPool.Options = {},
  login: SshLogin.Options = {}
) {
  const pool = yield* SshPool.make(options)
  return { pool, ssh: yield* pool.client(line, { ...trusting, ...login }) }
})

export const sh = SshCommand.shell

export const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, within = 10_000) =>
  effect.pipe(
    Effect.timeoutOrElse({
      duration: within,
      orElse: () => Effect.sync(() => assert.fail(`nothing within ${within} ms`))
    })
  )

export const until = <E, R>(condition: Effect.Effect<boolean, E, R>, within?: number) =>
  soon(
    Effect.gen(function* () {
      while (!(yield* condition)) yield* Effect.sleep("10 millis")
    }),
    within
  )

/** Milliseconds that an effect takes, with its result. */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const value = yield* effect
    return { value, ms: (yield* Clock.currentTimeMillis) - start }
  })

/** The lines of a file that commands write to: each run of a command leaves one. */
export const linesOf = (path: string): ReadonlyArray<string> =>
  Fs.existsSync(path)
    ? Fs.readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : []
