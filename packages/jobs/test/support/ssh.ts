/** A machine behind SSH, over connections that a pool makes anew when they are gone. */
import { NodeServices } from "@effect/platform-node"
import { type Context, Effect, Layer } from "effect"
import { ChildProcessSpawner } from "effect/process"
import type { SshServer } from "@toehold/lab/SshServer"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as Jobs from "../../src/Jobs.ts"

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

/** Processes on the server; `port` may be that of a proxy before it. */
export const spawner = Effect.fnUntraced(function* (server: SshServer, port: number = server.port) {
  const pool = yield* SshPool.make()
  const line = `ssh -F none -i ${server.privateKeyPath} -p ${port} ${server.user}@${server.host}`
  return SshProcess.fromClient(yield* pool.client(line, { hostKeyPolicy: "off", connectTimeout: "5 seconds" }))
}, Effect.provide(services))

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
