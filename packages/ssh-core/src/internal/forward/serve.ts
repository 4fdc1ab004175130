/** One forwarding over a connection, whichever way it goes: what listens, and what becomes of each connection to it. */
import { Effect, FiberSet, Option, type Scope } from "effect"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"
import type { ClientPlatform } from "../../ClientPlatform.ts"
import type { PortForward } from "../../PortForward.ts"
import type { SshClient } from "../../SshClient.ts"
import * as SshError from "../../SshError.ts"
import { type Address, format } from "../streamEnd.ts"
import * as Endpoint from "./endpoint.ts"
import * as LocalSocket from "./localSocket.ts"
import { relay, reset } from "./relay.ts"
import * as Socks from "./socks.ts"

type Dial = SshClient["Service"]["dial"]

/** Told of each connection that could not be made; the others go on. */
export type OnFailure = (failure: {
  /** Where it was to lead; empty for a SOCKS client that never got to say so. */
  readonly to: string
  readonly error: SshError.SshError
}) => Effect.Effect<void>

const notSocks = (detail: string): SshError.SshError =>
  SshError.make(
    new SshError.InvalidArgument({
      argument: "A SOCKS client",
      detail,
      hint: "Set it up for SOCKS 5 (or 4a) without authentication: socks5h://127.0.0.1:PORT."
    })
  )

/** Answers a SOCKS client, and connects it by `reach` to what it asks for; `undefined` where nothing came of it. */
const serveSocks = <S extends Duplex, E extends Duplex, R>(
  stream: S,
  reach: (to: Address) => Effect.Effect<E, SshError.SshError, R>,
  onFailure: OnFailure
): Effect.Effect<E | undefined, never, R> =>
  Effect.gen(function* () {
    const asked = yield* Socks.negotiate(stream)
    if (Option.isNone(asked)) return undefined
    const { to, version } = asked.value
    return yield* reach(to).pipe(
      Effect.tap(() => Effect.sync(() => stream.write(Socks.connectedReply(version)))),
      Effect.catch((error) => {
        stream.end(Socks.failedReply(version, error))
        return Effect.as(onFailure({ to: format(to), error }), undefined)
      })
    )
  }).pipe(
    Effect.catchTag("Fault", ({ detail, reply }) => {
      stream.end(reply)
      return Effect.as(onFailure({ to: "", error: notSocks(detail) }), undefined)
    })
  )

/** How long a last answer may take to be read by a client that is turned away. */
const farewell = "2 seconds"

/** Waits for the peer to have taken what was written last. */
const flushed = (stream: Duplex): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = (): void => resume(Effect.void)
    if (stream.writableFinished || stream.destroyed) return done()
    stream.once("finish", done).once("close", done).once("error", done)
    return Effect.sync(() => void stream.off("finish", done).off("close", done).off("error", done))
  }).pipe(Effect.timeoutOption(farewell), Effect.asVoid)

/** Listens here; every connection goes on through `dial`. */
export const local = (
  forward: PortForward,
  dial: Dial,
  onFailure: OnFailure
): Effect.Effect<Address, SshError.SshError, Scope.Scope | ClientPlatform> =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime()
    const { connect } = forward
    const handle = (socket: Net.Socket) =>
      Effect.gen(function* () {
        if (connect === undefined) {
          const channel = yield* serveSocks(socket, dial, onFailure)
          if (channel !== undefined) return yield* relay(socket, channel)
          yield* flushed(socket)
          return socket.destroy()
        }
        const to = Endpoint.target(connect)
        yield* dial(to).pipe(
          Effect.matchEffect({
            onFailure: (error) => onFailure({ to: format(to), error }),
            onSuccess: (channel) => relay(socket, channel)
          })
        )
      }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => reset(socket))))
    return yield* LocalSocket.listen(Endpoint.localListen(forward.listen), (socket) => void run(handle(socket)))
  })

/** Has the machine listen, on `at`; every connection goes on from here. */
export const remote = (
  forward: PortForward,
  at: Address,
  client: SshClient["Service"],
  onFailure: OnFailure
): Effect.Effect<Address, SshError.SshError, Scope.Scope | ClientPlatform> =>
  client.listen(at, ({ accept }) =>
    Effect.gen(function* () {
      const { connect } = forward
      if (connect === undefined) {
        const channel = yield* accept
        const socket = yield* serveSocks(channel, LocalSocket.connect, onFailure)
        return yield* socket === undefined ? flushed(channel) : relay(socket, channel)
      }
      const to = Endpoint.target(connect)
      const socket = yield* LocalSocket.connect(to).pipe(
        Effect.catch((error) => Effect.as(onFailure({ to: format(to), error }), undefined))
      )
      if (socket !== undefined) yield* relay(socket, yield* accept)
    }).pipe(
      Effect.scoped,
      // The connection ended before it was taken: there is nobody to tell.
      Effect.ignore
    )
  )
