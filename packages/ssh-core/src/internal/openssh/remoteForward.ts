/**
 * Listening on the machine. Proxy mode knows no request for that which could be taken back, so `ssh` itself is asked for
 * it, and brings what connects there to a socket of ours in the private folder.
 */
import { Effect, FiberSet, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import * as Net from "node:net"
import * as SshError from "../../SshError.ts"
import { lost } from "../channel.ts"
import type { Forwarding } from "../forwarding.ts"
import { type Address, format, type Incoming } from "../streamEnd.ts"

export interface Options {
  readonly spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly program: string
  /** A folder that nobody else may enter, with the control socket `s` in it. */
  readonly folder: string
  readonly isOpen: () => boolean
  /** Waits until the server has heard what was asked before: `ssh` waits for no answer to a cancellation. */
  readonly heard: Effect.Effect<void>
}

/** What stands before the colon of `-R`. */
const listenEnd = (at: Address): string => {
  if ("path" in at) return at.path
  const host = at.host === "" ? "*" : at.host.includes(":") ? `[${at.host}]` : at.host
  return `${host}:${at.port}`
}

const ended = lost("it ended", "did-not-run")

const refused = (at: Address): SshError.SshError => {
  const request = "path" in at ? "streamlocal-forward" : "tcpip-forward"
  const detail = `it does not listen on ${"path" in at ? at.path : at.host} for this account`
  return SshError.make(new SshError.ChannelRefused({ request, detail, busy: false }))
}

const taken = (at: Address): SshError.SshError =>
  SshError.make(new SshError.PortInUse({ side: "remote", address: format(at) }))

/** A listener on a socket of ours. */
const localSocket = (path: string, onSocket: (socket: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<Net.Server, SshError.SshError>((resume) => {
      const server = Net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, onSocket)
      server.once("error", ({ message }) =>
        resume(Effect.fail(SshError.make(new SshError.FileFailed({ path, detail: message }))))
      )
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  )

export const make = ({ folder, heard, isOpen, program, spawner }: Options): Forwarding["listen"] => {
  let count = 0

  /** What `ssh` prints, or nothing where it was refused. */
  const ask = (action: "forward" | "cancel", at: Address, local: string) => {
    const args = ["-F", "none", "-S", `${folder}/s`, "-O", action, "-R", `${listenEnd(at)}:${local}`, "x"]
    return Effect.gen(function* () {
      const handle = yield* spawner.spawn(ChildProcess.make(program, args, { stdin: "ignore", stderr: "ignore" }))
      const printed = yield* Stream.mkString(Stream.decodeText(handle.stdout))
      return (yield* handle.exitCode) === 0 ? printed.trim() : undefined
    }).pipe(
      Effect.scoped,
      Effect.orElseSucceed((): undefined => undefined)
    )
  }

  const cancel = (at: Address, local: string) => Effect.andThen(ask("cancel", at, local), heard)

  const why = Effect.fnUntraced(function* (at: Address, local: string): Effect.fn.Return<never, SshError.SshError> {
    if (!isOpen()) return yield* ended
    if ("path" in at) return yield* taken(at)
    // A server that listens on some other port has nothing against forwarding as such.
    const any = { host: at.host, port: 0 }
    if (at.port === 0 || (yield* ask("forward", any, local)) === undefined) return yield* refused(at)
    yield* cancel(any, local)
    return yield* taken(at)
  })

  return Effect.fnUntraced(function* <R>(
    at: Address,
    onConnection: (connection: Incoming) => Effect.Effect<void, never, R>
  ): Effect.fn.Return<Address, SshError.SshError, Scope.Scope | R> {
    if ("path" in at && at.path.includes(":")) {
      const detail = "ssh takes no socket with a colon in its path"
      return yield* SshError.make(new SshError.InvalidArgument({ argument: at.path, detail }))
    }
    const run = yield* FiberSet.makeRuntime<R>()
    const path = `${folder}/${(count += 1)}`
    yield* localSocket(path, (socket) => {
      socket.on("error", () => undefined)
      let isTaken = false
      const take = Effect.acquireRelease(
        Effect.sync(() => {
          isTaken = true
          return socket
        }),
        () => Effect.sync(() => void socket.destroy())
      )
      const leave = Effect.sync(() => {
        if (!isTaken) socket.destroy()
      })
      run(Effect.ensuring(onConnection({ origin: "", accept: take }), leave))
    })
    const printed = yield* Effect.acquireRelease(ask("forward", at, path), (printed) =>
      printed === undefined || !isOpen() ? Effect.void : cancel(at, path)
    )
    if (printed === undefined) return yield* why(at, path)
    return "path" in at || at.port !== 0 ? at : { host: at.host, port: Number(printed) }
  })
}
