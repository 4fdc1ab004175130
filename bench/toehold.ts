/** The ways of Toehold. */
import { Effect, type FileSystem, type Path, type Scope } from "effect"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { SshServer } from "@toehold/lab/SshServer"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshPool from "@toehold/ssh-core/SshPool"

export type Services = FileSystem.FileSystem | Path.Path | ClientPlatform

/** A connection to a server of the lab; a failure ends the bench. */
export const connect = (
  server: SshServer,
  options: Partial<SshClient.Options> = {}
): Effect.Effect<SshClient.SshClient["Service"], never, Services | Scope.Scope> =>
  Effect.gen(function* () {
    const hostKeys = yield* HostKeys.make({ policy: "strict", userFiles: [server.knownHostsPath], globalFiles: [] })
    return yield* SshClient.make({
      host: server.host,
      port: server.port,
      user: server.user,
      identities: [{ path: server.privateKeyPath, origin: "required" }],
      ...options
    }).pipe(Effect.provideService(HostKeys.HostKeys, hostKeys))
  }).pipe(Effect.orDie)

/** A machine of a pool. */
export const pooled = (
  server: SshServer
): Effect.Effect<SshClient.SshClient["Service"], never, Services | Scope.Scope> =>
  Effect.gen(function* () {
    const pool = yield* SshPool.make()
    const line = `ssh -F none -i ${server.privateKeyPath} -p ${server.port} ${server.user}@${server.host}`
    return yield* pool.client(line, { hostKeyPolicy: "off" })
  }).pipe(Effect.orDie)
