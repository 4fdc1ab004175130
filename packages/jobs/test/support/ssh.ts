/** A machine behind SSH whose connection is made anew when it is gone. */
import { NodeServices } from "@effect/platform-node"
import { type Context, Effect, Exit, Layer, PlatformError, Scope, Semaphore } from "effect"
import { ChildProcessSpawner } from "effect/process"
import type { SshServer } from "@toehold/lab/SshServer"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as Jobs from "../../src/Jobs.ts"

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

const refused = (cause: SshError.SshError) =>
  PlatformError.systemError({
    _tag: "Unknown",
    module: "ChildProcess",
    method: "spawn",
    description: cause.message,
    cause
  })

/** Processes on the server, over one connection at a time; `port` may be that of a proxy before it. */
export const spawner = Effect.fnUntraced(function* (server: SshServer, port: number = server.port) {
  const context = yield* Layer.build(services)
  const outer = yield* Effect.scope
  const one = yield* Semaphore.make(1)
  let current: { readonly client: SshClient.SshClient["Service"]; readonly scope: Scope.Closeable } | undefined
  const connect = Effect.gen(function* () {
    const scope = yield* Scope.fork(outer)
    const hostKeys = yield* HostKeys.make({ policy: "off" }).pipe(Effect.provideContext(context))
    const client = yield* SshClient.make({
      host: server.host,
      port,
      user: server.user,
      identities: [{ path: server.privateKeyPath, origin: "required" }],
      connectTimeout: "5 seconds"
    }).pipe(
      Effect.provideService(HostKeys.HostKeys, hostKeys),
      Effect.provideService(Scope.Scope, scope),
      Effect.provideContext(context),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    return { client, scope }
  })
  const client = Effect.gen(function* () {
    if (current !== undefined) {
      const closed = yield* Effect.timeoutOption(current.client.closed, 0)
      if (closed._tag === "None") return current.client
      yield* Effect.forkIn(Scope.close(current.scope, Exit.void), outer)
      current = undefined
    }
    current = yield* connect
    return current.client
  }).pipe(one.withPermit, Effect.mapError(refused))
  return ChildProcessSpawner.make((command) =>
    Effect.flatMap(client, (open) => SshProcess.fromClient(open).spawn(command))
  )
})

/** The jobs of a server's account. */
export const layer = <I, E, R>(
  tag: Context.Key<I, SshServer & { readonly homeDir: string }>,
  server: Layer.Layer<I, E, R>
) =>
  Jobs.layer.pipe(
    Layer.provideMerge(
      Layer.effect(
        ChildProcessSpawner.ChildProcessSpawner,
        Effect.flatMap(tag, (one) => spawner(one))
      )
    ),
    Layer.provideMerge(server)
  )
