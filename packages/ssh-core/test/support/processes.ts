import { type Duration, Effect, Layer, type Scope } from "effect"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import type * as ProcessSuite from "@toehold/lab/ProcessSuite"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { connectTo } from "./failing.ts"
import { connect, optionsFor, services } from "./machine.ts"

/** What only another process of the same machine can have; and less than elsewhere of what takes long. */
export const capabilities: ProcessSuite.Capabilities = {
  duplex: false,
  inherit: false,
  oddVariableNames: false,
  floodBytes: 3 * 1024 * 1024,
  argumentRuns: 15
}

/** Processes over a connection to a server of the lab, through what its network is like. */
export const processesOver = <E>(
  server: Effect.Effect<SshServer, E, Scope.Scope | Layer.Success<typeof services>>,
  options: Partial<SshClient.Options> & { readonly roundTrip?: Duration.Input } = {}
) =>
  SshProcess.layer.pipe(
    Layer.provide(
      Layer.effect(
        SshClient.SshClient,
        Effect.gen(function* () {
          const { roundTrip, ...rest } = options
          const target = yield* server
          if (roundTrip === undefined) return yield* connect(target, rest)
          const proxy = yield* FaultProxy.make({ target })
          yield* proxy.setRoundTrip(roundTrip)
          return yield* connectTo({ ...optionsFor(target, { spareSessions: 3, ...rest }), port: proxy.port })
        })
      )
    ),
    Layer.provide(services)
  )
