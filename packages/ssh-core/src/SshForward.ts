/**
 * Forwardings: ports and Unix sockets on one side of a connection that lead to what the other side can reach, as `-L`,
 * `-R` and `-D` of ssh(1) do.
 *
 * @since 0.1.0
 */
import { Deferred, Duration, Effect, Scope } from "effect"
import type { ClientPlatform } from "./ClientPlatform.ts"
import { contained } from "./internal/forward/contained.ts"
import * as Endpoint from "./internal/forward/endpoint.ts"
import * as Link from "./internal/forward/link.ts"
import * as RemoteSocketFile from "./internal/forward/remoteSocketFile.ts"
import * as Serve from "./internal/forward/serve.ts"
import { type Address, format } from "./internal/streamEnd.ts"
import * as PortForward from "./PortForward.ts"
import type { SshClient } from "./SshClient.ts"
import type { SshError } from "./SshError.ts"

type Client = SshClient["Service"]

/**
 * A forwarding that is open.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listening {
  readonly forward: PortForward.PortForward
  /** What it listens on, on its own side: `127.0.0.1:11434`, or the path of a socket. */
  readonly listen: string
  /** The port, with the one that was chosen for port 0; `undefined` for a socket. */
  readonly port: number | undefined
}

/**
 * What happens while forwardings are open. `ConnectionFailed`: one connection could not be passed on and was closed.
 * `Disconnected`, `ReconnectFailed` and `Reconnected` are about the connection that they share, `ListenFailed` and
 * `ListeningAgain` about a port or socket on the machine that is to be opened again after that.
 *
 * @since 0.1.0
 * @category models
 */
export type ForwardEvent =
  | {
      readonly _tag: "ConnectionFailed"
      readonly forward: PortForward.PortForward
      /** `host:port` or a path; empty for a client that never said where to. */
      readonly to: string
      readonly error: SshError
    }
  | { readonly _tag: "Disconnected"; readonly detail: string }
  | { readonly _tag: "ReconnectFailed"; readonly error: SshError; readonly retryInMs: number }
  | { readonly _tag: "Reconnected" }
  | {
      readonly _tag: "ListenFailed"
      readonly forward: PortForward.PortForward
      readonly error: SshError
      readonly retryInMs: number
    }
  | { readonly _tag: "ListeningAgain"; readonly forward: PortForward.PortForward; readonly listen: string }

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Called for each event; what it takes delays nothing but the connection that it is about. */
  readonly onEvent?: ((event: ForwardEvent) => Effect.Effect<void>) | undefined
}

const failureOf =
  (forward: PortForward.PortForward, { onEvent }: Options): Serve.OnFailure =>
  ({ error, to }) =>
    onEvent?.({ _tag: "ConnectionFailed", forward, to, error }) ?? Effect.void

/** Names for addresses as a person or a program can take them as they stand. */
const shownHosts: Readonly<Record<string, string>> = { localhost: "127.0.0.1", "": "*", "::": "*" }

const describe = (forward: PortForward.PortForward, at: Address): Listening => {
  const shown = "port" in at ? { ...at, host: shownHosts[at.host] ?? at.host } : at
  return { forward, listen: format(shown), port: "port" in at ? at.port : undefined }
}

/** Has the machine listen on `at`, and leaves no file of a socket behind. `files` knows those of earlier connections. */
const listenThere = Effect.fnUntraced(function* (
  forward: PortForward.PortForward,
  at: Address,
  client: Client,
  options: Options,
  files: Map<string, string>
): Effect.fn.Return<Address, SshError, Scope.Scope | ClientPlatform> {
  const listen = Serve.remote(forward, at, client, failureOf(forward, options))
  if (!("path" in at)) return yield* listen
  const { path } = at
  const left = files.get(path)
  if (left !== undefined) yield* RemoteSocketFile.remove(client, path, left)
  let identity: string | undefined
  yield* Effect.addFinalizer(() =>
    identity === undefined ? Effect.void : RemoteSocketFile.remove(client, path, identity)
  )
  const bound = yield* listen.pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "PortInUse",
      (error) =>
        Effect.flatMap(RemoteSocketFile.removeLeftOver(client, path), (removed) =>
          removed ? listen : Effect.flip(RemoteSocketFile.explain(client, path, error))
        )
    )
  )
  identity = yield* RemoteSocketFile.identify(client, path)
  if (identity !== undefined) files.set(path, identity)
  return bound
})

/**
 * Opens a forwarding over a connection, for as long as the scope. Fails with `PortInUse` when what it is to listen on is
 * taken, on either side, with `ChannelRefused` when the server does not allow it, with `InvalidArgument` for an address
 * that can't be listened on, and with `NotFound` or `PermissionDenied` for the path of a socket.
 *
 * Every connection is passed on byte for byte in both directions, each end when its bytes are through. One that can't be
 * passed on is closed, and the others go on; one that was cut off with its SSH connection is reset, so that a part does
 * not pass for the whole.
 *
 * **Gotchas**
 *
 * Without an address a local port is opened on 127.0.0.1 alone. On Windows a local socket is a named pipe:
 * `//./pipe/NAME`. The file of a local socket is only its owner's.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fn("SshForward.open")(function* (
  client: Client,
  forward: PortForward.PortForward,
  options: Options = {}
): Effect.fn.Return<Listening, SshError, Scope.Scope | ClientPlatform> {
  const listen =
    forward.kind === "remote"
      ? listenThere(forward, Endpoint.remoteListen(forward.listen), client, options, new Map())
      : Serve.local(forward, client.dial, failureOf(forward, options))
  return describe(forward, yield* contained(listen))
})

const openSpec = (kind: PortForward.Kind) => (client: Client, spec: string, options?: Options) =>
  Effect.flatMap(Effect.fromResult(PortForward.parse(kind, spec)), (forward) => open(client, forward, options))

/**
 * {@link open} for what stands behind `-L`: a port here that leads to a port or socket as the machine sees it, such as
 * `8080:localhost:80`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const local: (
  client: Client,
  spec: string,
  options?: Options
) => Effect.Effect<Listening, SshError, Scope.Scope | ClientPlatform> = openSpec("local")

/**
 * {@link open} for what stands behind `-R`: a port on the machine that leads to a port or socket as seen from here, such
 * as `9000:localhost:3000`, or `1080` for a SOCKS proxy there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const remote: (
  client: Client,
  spec: string,
  options?: Options
) => Effect.Effect<Listening, SshError, Scope.Scope | ClientPlatform> = openSpec("remote")

/**
 * {@link open} for what stands behind `-D`: a SOCKS proxy here (5, 4 and 4a, without authentication) to everything that
 * the machine can reach, names resolved there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const dynamic: (
  client: Client,
  spec: string,
  options?: Options
) => Effect.Effect<Listening, SshError, Scope.Scope | ClientPlatform> = openSpec("dynamic")

/**
 * How forwardings are kept open.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeepOptions<R> extends Options {
  /** Makes a connection; runs again whenever it is lost. */
  readonly connect: Effect.Effect<Client, SshError, R>
  readonly forwards: ReadonlyArray<PortForward.PortForward>
  /** How long a connection to a local port waits for the machine to be reached again. Default: 30 seconds. */
  readonly waitLimit?: Duration.Input | undefined
  /**
   * The time before the first attempt to connect again, and the most between two; it doubles from one to the next, less
   * up to a half by chance. Default: from 250 milliseconds to 30 seconds.
   */
  readonly backoff?: { readonly least: Duration.Input; readonly most: Duration.Input } | undefined
}

/**
 * Forwardings that are kept open.
 *
 * @since 0.1.0
 * @category models
 */
export interface Kept {
  /** In the order in which they were asked for. */
  readonly listening: ReadonlyArray<Listening>
  /** Fails when the machine can't be reached again and waiting won't change it, such as after `HostKeyChanged`. */
  readonly ended: Effect.Effect<never, SshError>
}

/**
 * Opens forwardings that outlive their connection, for as long as the scope: what listens here stays open while the
 * connection is made anew, and new connections to it wait for that; what listens on the machine is opened there again, on
 * the same port. All of them are open when this succeeds; it fails as connecting and {@link open} do, with nothing left
 * open.
 *
 * **Gotchas**
 *
 * Connections that were open when the machine was lost are reset: nobody can know what arrived.
 *
 * @since 0.1.0
 * @category constructors
 */
export const keep = Effect.fn("SshForward.keep")(function* <R>(
  options: KeepOptions<R>
): Effect.fn.Return<Kept, SshError, Scope.Scope | ClientPlatform | Exclude<R, Scope.Scope>> {
  return yield* contained(keepOpen(options))
})

const keepOpen = Effect.fnUntraced(function* <R>(
  options: KeepOptions<R>
): Effect.fn.Return<Kept, SshError, Scope.Scope | ClientPlatform | Exclude<R, Scope.Scope>> {
  const emit = options.onEvent ?? (() => Effect.void)
  const backoff: Link.Backoff = {
    least: Duration.fromInputUnsafe(options.backoff?.least ?? "250 millis"),
    most: Duration.fromInputUnsafe(options.backoff?.most ?? "30 seconds")
  }
  const platform = yield* Effect.context<ClientPlatform>()
  const files = new Map<string, string>()
  const listening = new Map<PortForward.PortForward, Listening>()
  const bounds = new Map<PortForward.PortForward, Address>()
  const remotes = options.forwards.filter(({ kind }) => kind === "remote")

  const listenAgain = Effect.fnUntraced(function* (client: Client, forward: PortForward.PortForward, at: Address) {
    for (let attempt = 0; ; attempt++) {
      const bound = yield* Effect.result(contained(listenThere(forward, at, client, options, files)))
      if (bound._tag === "Success") {
        return yield* emit({ _tag: "ListeningAgain", forward, listen: describe(forward, bound.success).listen })
      }
      const next = yield* Link.delay(backoff, attempt)
      const retryInMs = Math.round(Duration.toMillis(next))
      yield* emit({ _tag: "ListenFailed", forward, error: bound.failure, retryInMs })
      yield* Effect.sleep(next)
    }
  })

  const link = Link.make({
    connect: options.connect,
    backoff,
    waitLimit: Duration.fromInputUnsafe(options.waitLimit ?? "30 seconds"),
    onConnected: (client) =>
      Effect.andThen(
        emit({ _tag: "Reconnected" }),
        Effect.forEach(bounds, ([forward, at]) => Effect.forkScoped(listenAgain(client, forward, at)), {
          discard: true
        })
      ).pipe(Effect.provideContext(platform)),
    onLost: (detail) => emit({ _tag: "Disconnected", detail }),
    onFailed: (error, delay) =>
      emit({ _tag: "ReconnectFailed", error, retryInMs: Math.round(Duration.toMillis(delay)) })
  })

  // A port that is taken here is known before anything is connected.
  for (const forward of options.forwards) {
    if (forward.kind === "remote") continue
    listening.set(forward, describe(forward, yield* Serve.local(forward, link.dial, failureOf(forward, options))))
  }
  const first = yield* link.open
  for (const forward of remotes) {
    const at = Endpoint.remoteListen(forward.listen)
    const bound = yield* listenThere(forward, at, first.client, options, files).pipe(Scope.provide(first.scope))
    bounds.set(forward, bound)
    listening.set(forward, describe(forward, bound))
  }
  const ended = Deferred.makeUnsafe<never, SshError>()
  yield* link.keep(first).pipe(
    Effect.onExit((exit) => Effect.sync(() => Deferred.doneUnsafe(ended, exit))),
    Effect.ignore,
    Effect.forkScoped
  )
  return {
    listening: options.forwards.flatMap((forward) => listening.get(forward) ?? []),
    ended: Deferred.await(ended)
  }
})
