/** A machine behind a proxy, folders on both sides of it, and what stands in them. */
import { NodeServices } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshPool from "@toehold/ssh-core/SshPool"
import type { SshServer } from "@toehold/lab/SshServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import { Effect, FileSystem, Layer } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Machine from "../../src/Machine.ts"

export const services = Layer.mergeAll(
  NodeServices.layer,
  ClientPlatform.layer,
  SshPool.layer().pipe(Layer.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer)))
)

/** Logs in to the server, through the proxy where there is one. */
export const openMachine = (server: SshServer, port: number = server.port, options: ReadonlyArray<string> = []) =>
  Machine.open(`${server.user}@${server.host}`, {
    flags: { configFile: "none", identityFiles: [server.privateKeyPath], port, options },
    hostKeyPolicy: "off"
  })

/** A proxy in front of a server. */
export const proxyOf = (server: SshServer) => FaultProxy.make({ target: { host: server.host, port: server.port } })

/** Two folders, one on each side; the account of the server may write to the other one. */
export const folders = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const here = yield* fs.makeTempDirectoryScoped({ prefix: "here-" })
  const there = yield* fs.makeTempDirectoryScoped({ prefix: "there-" })
  yield* fs.chmod(there, 0o777)
  yield* fs.chmod(here, 0o755)
  return { here, there }
})

/** Bytes that no compression makes fewer. */
export const randomFile = (path: string, bytes: number): string => {
  const data = Crypto.randomBytes(bytes)
  Fs.writeFileSync(path, data)
  return Crypto.createHash("sha256").update(data).digest("hex")
}

export const sumOf = (path: string): string => Crypto.createHash("sha256").update(Fs.readFileSync(path)).digest("hex")

/** All that a folder holds, one line each, names sorted; what is hidden as ours among it. */
export const look = (root: string): ReadonlyArray<string> =>
  Fs.readdirSync(root, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const stat = Fs.lstatSync(Path.join(root, name))
      const mode = (stat.mode & 0o7777).toString(8)
      if (stat.isSymbolicLink()) return `${name} -> ${Fs.readlinkSync(Path.join(root, name))}`
      const time = Math.floor(stat.mtimeMs / 1000)
      return stat.isDirectory() ? `${name}/ ${mode} ${time}` : `${name} ${mode} ${time} ${sumOf(Path.join(root, name))}`
    })

/** Some hundred small files, two large ones, links, odd names. */
export const writeTree = (root: string): void => {
  for (let folder = 0; folder < 8; folder++) {
    const path = Path.join(root, `folder ${folder}'s`, "deep")
    Fs.mkdirSync(path, { recursive: true })
    for (let file = 0; file < 25; file++) {
      const full = Path.join(path, `file ${file} ü`)
      Fs.writeFileSync(full, Crypto.randomBytes(file * 97))
      Fs.chmodSync(full, file % 2 === 0 ? 0o640 : 0o755)
      Fs.utimesSync(full, 1_500_000_000 + file, 1_500_000_000 + file)
    }
    Fs.symlinkSync("file 3 ü", Path.join(path, "link"))
    Fs.utimesSync(path, 1_400_000_000, 1_400_000_000 + folder)
  }
  for (const name of ["large 1", "large 2"]) randomFile(Path.join(root, name), 3_000_000)
  Fs.writeFileSync(Path.join(root, "empty"), "")
}

/** No partial file or tree is left in the folders. */
export const nothingOfOurs = (...roots: ReadonlyArray<string>): void =>
  assert.deepStrictEqual(
    roots.flatMap(look).filter((line) => line.includes(".toehold-")),
    []
  )
