import { Effect, Layer } from "effect"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import type { SshServer } from "@toehold/lab/SshServer"
import * as OpenSsh from "@toehold/ssh-core/OpenSsh"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { services } from "./machine.ts"

/** The server of the lab as a target of `ssh`, with nothing of the user's own files. */
export const targetOf = (server: SshServer, options: ReadonlyArray<string> = []) =>
  Effect.fromResult(
    SshTarget.parse(
      ["ssh", "-F", "none", "-i", server.privateKeyPath, "-o", "IdentitiesOnly=yes"]
        .concat(options.flatMap((option) => ["-o", option]))
        .concat(["-p", String(server.port), "-l", server.user, server.host])
        .join(" ")
    )
  )

export const connect = (
  server: SshServer,
  options: OpenSsh.Options & { readonly sshOptions?: ReadonlyArray<string> } = {}
) =>
  Effect.flatMap(targetOf(server, options.sshOptions), (target) =>
    OpenSsh.connect(target, { hostKeyPolicy: "strict", knownHostsFile: server.knownHostsPath, ...options })
  )

/** The machine's two services over the system's `ssh`. */
export const layer = (options: OpenSshServer.Options = {}, ssh: OpenSsh.Options = {}) =>
  Layer.unwrap(
    Effect.map(
      Effect.flatMap(OpenSshServer.OpenSshServer, (server) =>
        Effect.map(targetOf(server), (target) => ({ server, target }))
      ),
      ({ server, target }) =>
        OpenSsh.layer(target, { hostKeyPolicy: "strict", knownHostsFile: server.knownHostsPath, ...ssh })
    )
  ).pipe(Layer.provide(OpenSshServer.layer(options)), Layer.provide(services))

/** The `ssh` programs whose command line holds a text. */
export const running = (text: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Leaks.processes(text), (lines) => lines.filter((line) => /^\d+ (?:\S*\/)?ssh\b/.test(line)))
