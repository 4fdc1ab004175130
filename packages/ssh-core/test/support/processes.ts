import { Effect, Layer, type Scope } from "effect"
import type * as ProcessSuite from "@toehold/lab/ProcessSuite"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { connect, services } from "./machine.ts"

/** What only another process of the same machine can have; and less than elsewhere of what takes long. */
export const capabilities: ProcessSuite.Capabilities = {
  duplex: false,
  inherit: false,
  oddVariableNames: false,
  floodBytes: 3 * 1024 * 1024,
  argumentRuns: 15
}

/** Processes over a connection to a server of the lab. */
export const processesOver = <E>(
  server: Effect.Effect<SshServer, E, Scope.Scope | Layer.Success<typeof services>>,
  options: Partial<SshClient.Options> = {}
) =>
  SshProcess.layer.pipe(
    Layer.provide(
      Layer.effect(
        SshClient.SshClient,
        Effect.flatMap(server, (server) => connect(server, options))
      )
    ),
    Layer.provide(services)
  )
