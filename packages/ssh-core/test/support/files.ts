import { Effect, Layer, PlatformError } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import type { LabError } from "@toehold/lab/LabError"
import type { SshServer } from "@toehold/lab/SshServer"
import { optionsFor, services } from "./machine.ts"

/** A machine on which no command can be started. */
export const noSpawner = Layer.succeed(
  ChildProcessSpawner.ChildProcessSpawner,
  ChildProcessSpawner.make(() =>
    Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "ChildProcess", method: "spawn" }))
  )
)

/** The files of a server of the lab, over SFTP alone. */
export const filesOf = <I>(
  server: Layer.Layer<I, LabError, Layer.Success<typeof services>>,
  tag: Effect.Effect<SshServer, never, I>,
  options: Partial<SshClient.Options> = {}
) =>
  SshFiles.layer({ watchInterval: "50 millis" }).pipe(
    Layer.provide(noSpawner),
    Layer.provideMerge(
      Layer.unwrap(
        Effect.map(tag, (server) =>
          SshClient.layer(optionsFor(server, options)).pipe(
            Layer.provide(HostKeys.layer({ policy: "strict", userFiles: [server.knownHostsPath], globalFiles: [] }))
          )
        )
      )
    ),
    Layer.provideMerge(server),
    Layer.provide(services)
  )
