/** A machine behind SSH as a place for sessions. */
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as FreePort from "@toehold/lab/FreePort"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import type * as SessionSteps from "../../src/SessionSteps.ts"
import { installing, Place, shOf, stepsOn } from "./place.ts"

const machine = Layer.effectContext(
  Effect.gen(function* () {
    const server = yield* OpenSshServer.OpenSshServer
    const pool = yield* SshPool.make()
    const line = `ssh -F none -i ${server.privateKeyPath} -p ${server.port} ${server.user}@${server.host}`
    const spawner = SshProcess.fromClient(
      yield* pool.client(line, { hostKeyPolicy: "off", connectTimeout: "5 seconds" })
    )
    const sh = shOf(spawner)
    yield* sh(`${installing}`, `${server.homeDir}/.local/bin`)
    return Context.make(ChildProcessSpawner.ChildProcessSpawner, spawner).pipe(
      Context.add(Place, { ip: "127.0.0.1", freePort: FreePort.onLoopback, folder: server.homeDir, sh })
    )
  })
)

/** The steps over SSH, as an account with this login shell. */
export const layer = (
  account: OpenSshServer.Options["account"] = {},
  options: SessionSteps.Options = { network: "skip" }
) =>
  stepsOn(
    machine.pipe(
      Layer.provideMerge(OpenSshServer.layer({ account })),
      Layer.provideMerge(Layer.merge(NodeServices.layer, ClientPlatform.layer))
    ),
    options
  )
