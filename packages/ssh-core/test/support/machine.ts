import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import type { SshServer } from "@toehold/lab/SshServer"

/** What every connection of a test needs around it. */
export const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

/** Options to log in to a server of the lab with its own key. */
export const optionsFor = (server: SshServer, options: Partial<SshClient.Options> = {}): SshClient.Options => ({
  host: server.host,
  port: server.port,
  user: server.user,
  identities: [{ path: server.privateKeyPath, origin: "required" }],
  ...options
})

/** A connection to a server of the lab, which knows its host keys. */
export const connect = (server: SshServer, options: Partial<SshClient.Options> = {}) =>
  Effect.gen(function* () {
    const hostKeys = yield* HostKeys.make({ policy: "strict", userFiles: [server.knownHostsPath], globalFiles: [] })
    return yield* SshClient.make(optionsFor(server, options)).pipe(Effect.provideService(HostKeys.HostKeys, hostKeys))
  })
