import { assert } from "@effect/vitest"
import { Effect, Logger, References } from "effect"
import type { PlatformError, Scope } from "effect"
import * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import { inspect } from "node:util"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshError from "@toehold/ssh-core/SshError"
import type { LabError } from "@toehold/lab/LabError"

type ReasonTag = SshError.Reason["_tag"]
type ReasonOf<Tag extends ReasonTag> = Extract<SshError.Reason, { readonly _tag: Tag }>

/** The reason of a failure, which must be this one and say in one line what happened and what to do. */
export const reasonOf = <const Tag extends ReasonTag>(
  error: unknown,
  tag: Tag,
  expected: { readonly isRetryable: boolean; readonly outcome?: SshError.Outcome }
): ReasonOf<Tag> => {
  if (!(error instanceof SshError.SshError)) return assert.fail(`not an SshError: ${inspect(error)}`)
  assert.strictEqual(error.reason._tag, tag, error.message)
  assert.match(error.message, /^[^\r\n]+$/)
  assert.match(error.fix, /^[^\r\n]+$/)
  assert.strictEqual(error.isRetryable, expected.isRetryable)
  assert.strictEqual(error.outcome, expected.outcome ?? "did-not-run")
  return error.reason as ReasonOf<Tag> // its tag was compared above
}

/** Every way in which an error or a value could show a secret. */
export const faces = (value: unknown): string =>
  [
    inspect(value, { depth: Infinity, showHidden: true }),
    JSON.stringify(value),
    String(value),
    ...(value instanceof SshError.SshError ? [value.message, value.fix, value.stack ?? ""] : [])
  ].join("\n")

/** Runs an effect with its log lines, debug ones included, put into a list. */
export const withLog = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
    return effect.pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.map((value) => ({ value, lines }))
    )
  })

/** Connects to whatever listens there, with no host key on file and none asked for unless the options bring a service. */
export const connectTo = (
  options: Omit<SshClient.Options, "user"> & { readonly user?: string },
  hostKeys: HostKeys.Options = { policy: "off" }
) =>
  Effect.gen(function* () {
    const service = yield* HostKeys.make({ userFiles: [], globalFiles: [], ...hostKeys })
    return yield* SshClient.make({ user: "nobody", connectTimeout: "5 seconds", spareSessions: 0, ...options }).pipe(
      Effect.provideService(HostKeys.HostKeys, service)
    )
  })

/** How connecting fails; a success is a failed test. */
export const failure = (...args: Parameters<typeof connectTo>) => Effect.flip(Effect.scoped(connectTo(...args)))

/** How an attempt to log in that is cut must end: as nothing that a later one could not mend. */
export const endOf = <A, R>(login: Effect.Effect<A, SshError.SshError | LabError | PlatformError.PlatformError, R>) =>
  login.pipe(
    Effect.scoped,
    Effect.result,
    Effect.timeoutOrElse({ duration: "15 seconds", orElse: () => Effect.sync(() => assert.fail("it hangs")) }),
    Effect.map((result) => {
      if (result._tag === "Success") return "success"
      if (result.failure._tag !== "SshError") return assert.fail(result.failure.message)
      const { isRetryable, message, outcome, reason } = result.failure
      assert.deepStrictEqual([isRetryable, outcome], [true, "did-not-run"], message)
      return reason._tag
    })
  )

/** A plain TCP listener on 127.0.0.1 that hands its connections to `onSocket`. */
export const listener = (
  onSocket: (socket: Net.Socket) => void
): Effect.Effect<{ readonly host: string; readonly port: number; readonly open: () => number }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    const server = yield* Effect.acquireRelease(
      Effect.callback<Net.Server>((resume) => {
        const server = Net.createServer({ noDelay: true }, (socket) => {
          sockets.add(socket)
          socket.on("error", () => {}).once("close", () => sockets.delete(socket))
          onSocket(socket)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    const bound = server.address()
    if (bound === null || typeof bound === "string") return assert.fail("it listens on TCP")
    return { host: "127.0.0.1", port: bound.port, open: () => sockets.size }
  })

/** Where a listener can be stopped, and the kernel then leaves new connections without an answer. */
export const hasUnansweredPorts = process.platform === "linux"

/** A port on which the kernel answers nothing: its listener is stopped, and its queue of connections is full. */
export const unansweredPort = Effect.gen(function* () {
  const script = `require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () {
    process.stdout.write(String(this.address().port), () => process.kill(process.pid, "SIGSTOP"))
  })`
  const port = yield* Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess.ChildProcess; readonly port: number }>((resume) => {
      const child = ChildProcess.spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] })
      child.stdout.once("data", (data: Buffer) => resume(Effect.succeed({ child, port: Number(data) })))
    }),
    ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
  ).pipe(Effect.map(({ port }) => port))
  const fillers: Array<Net.Socket> = []
  yield* Effect.addFinalizer(() => Effect.sync(() => fillers.forEach((socket) => socket.destroy())))
  const isTaken = Effect.callback<boolean>((resume) => {
    const socket = Net.connect(port, "127.0.0.1", () => resume(Effect.succeed(true))).on("error", () => {})
    fillers.push(socket)
  }).pipe(Effect.timeoutOrElse({ duration: "150 millis", orElse: () => Effect.succeed(false) }))
  while (yield* isTaken) yield* Effect.yieldNow
  return port
})
