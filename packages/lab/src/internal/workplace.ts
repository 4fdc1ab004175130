/** The temporary folder of a server, with its keys. */
import { Effect, FileSystem, Path } from "effect"
import type { Scope } from "effect"
import * as KeyPair from "../KeyPair.ts"
import { LabError } from "../LabError.ts"
import { knownHostsLine, type SshServer } from "../SshServer.ts"

export interface Workplace {
  readonly tempDir: string
  readonly key: KeyPair.KeyPair
  readonly privateKeyPath: string
  readonly hostKeys: ReadonlyArray<KeyPair.KeyPair>
  readonly path: (name: string) => string
  /** Writes a file in mode 0600 and returns its path. */
  readonly write: (name: string, content: string) => Effect.Effect<string, LabError>
}

export const make = Effect.fnUntraced(function* (
  userKeyType: KeyPair.KeyType,
  given: ReadonlyArray<KeyPair.KeyType | KeyPair.KeyPair>
): Effect.fn.Return<Workplace, LabError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const tempDir = yield* fs
    .makeTempDirectoryScoped({ prefix: "toehold-lab-" })
    .pipe(Effect.mapError((cause) => new LabError({ message: "No temporary folder", cause })))
  const path = (name: string) => join(tempDir, name)
  const write = (name: string, content: string) =>
    fs.writeFileString(path(name), content, { mode: 0o600 }).pipe(
      Effect.mapError((cause) => new LabError({ message: `Could not write ${name}`, cause })),
      Effect.as(path(name))
    )
  const key = yield* KeyPair.generate(userKeyType)
  const hostKeys = yield* Effect.forEach(
    given,
    (key) => (typeof key === "string" ? KeyPair.generate(key) : Effect.succeed(key)),
    { concurrency: "unbounded" }
  )
  const privateKeyPath = yield* write(`id_${key.type}`, key.privateKey)
  yield* write(`id_${key.type}.pub`, `${key.publicKey}\n`)
  return { tempDir, key, privateKeyPath, hostKeys, path, write }
})

/** What clients need to know of the server that now listens, with its `known_hosts` file written. */
export const describe = Effect.fnUntraced(function* (
  place: Workplace,
  server: Pick<SshServer, "host" | "port" | "user" | "log">
): Effect.fn.Return<SshServer, LabError> {
  const knownHosts = place.hostKeys.map((key) => knownHostsLine(server.host, server.port, key))
  return {
    ...server,
    key: place.key,
    privateKeyPath: place.privateKeyPath,
    hostKeys: place.hostKeys,
    knownHosts,
    knownHostsPath: yield* place.write("known_hosts", [...knownHosts, ""].join("\n")),
    tempDir: place.tempDir
  }
})
