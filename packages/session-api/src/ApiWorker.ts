/**
 * The worker as a whole: the session API over the sessions that it runs, on one database.
 *
 * @since 0.1.0
 */
import { Effect, type FileSystem, Layer, type Path, type Redacted } from "effect"
import type { Etag, HttpClient, HttpPlatform, HttpServer } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import type { BootstrapError } from "@toehold/bootstrap-service/BootstrapError"
import * as Database from "@toehold/bootstrap-service/Database"
import * as SessionEngine from "@toehold/bootstrap-service/SessionEngine"
import * as Sessions from "@toehold/bootstrap-service/Sessions"
import * as SqlStore from "@toehold/bootstrap-service/SqlStore"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as ApiTokens from "./ApiTokens.ts"
import * as catalogMachines from "./internal/catalogMachines.ts"
import * as MachineCatalog from "./MachineCatalog.ts"
import * as SessionApiError from "./SessionApiError.ts"
import * as SessionServer from "./SessionServer.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends SessionServer.Options {
  /** Sessions and tokens are kept here. */
  readonly database: Database.Database
  /** See `MachineCatalog`. Without it there is no machine to run a session on. */
  readonly machinesFile?: string | undefined
  /** What the secrets of sessions are encrypted with in the database. */
  readonly secretKey?: Redacted.Redacted | undefined
  /** The address that the server listens at. Any but the loopback needs a token to be there. */
  readonly host: string
  /** 0 for a free one. */
  readonly port: number
}

/**
 * What the worker needs to serve HTTP.
 *
 * @since 0.1.0
 * @category models
 */
export type HttpServices = HttpServer.HttpServer | HttpPlatform.HttpPlatform | Etag.Generator

/**
 * What the worker needs of the world.
 *
 * @since 0.1.0
 * @category models
 */
export type Services =
  | ChildProcessSpawner.ChildProcessSpawner
  | ClientPlatform
  | FileSystem.FileSystem
  | HttpClient.HttpClient
  | Path.Path

/**
 * Whether an address can be reached from this machine alone.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isLoopback = (host: string): boolean => /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)

const refuseExposure = (host: string) =>
  Effect.gen(function* () {
    const tokens = yield* ApiTokens.ApiTokens
    if (isLoopback(host) || (yield* tokens.count) > 0) return
    return yield* SessionApiError.make(
      new SessionApiError.Conflict({
        detail: `The worker does not listen at ${host} while there is no token.`,
        hint: "Make one with: api-worker token create NAME. Or listen at 127.0.0.1, which is the default."
      })
    )
  })

/**
 * Runs until its scope closes: then it takes no more calls, ends streams, finishes calls under way, and hands over the
 * sessions that it runs, which go on in the next worker on the same database.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E>(
  options: Options,
  listen: (address: { readonly host: string; readonly port: number }) => Layer.Layer<HttpServices, E>
): Layer.Layer<HttpServices, E | BootstrapError | SessionApiError.SessionApiError, Services> => {
  const { database, host, machinesFile, port, secretKey } = options
  const catalog =
    machinesFile === undefined ? MachineCatalog.layer({ machines: {} }) : MachineCatalog.layerFile(machinesFile)
  const machines = catalogMachines.layer.pipe(
    Layer.provide([SerialHub.layer(), SshPool.layer()]),
    Layer.provideMerge(catalog)
  )
  const sessions = Sessions.layer.pipe(
    Layer.provide(SessionEngine.layer(database)),
    Layer.provideMerge(SqlStore.layerWith({ secretKey })),
    Layer.provideMerge(machines)
  )
  const server = SessionServer.layer(options).pipe(
    Layer.provideMerge(listen({ host, port })),
    // Before anybody can connect.
    Layer.provide(Layer.effectDiscard(refuseExposure(host)))
  )
  return server.pipe(Layer.provide(sessions), Layer.provide(ApiTokens.layer), Layer.provide(Database.layer(database)))
}
