import { assert, it } from "@effect/vitest"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Endpoint from "@toehold/transfer/Endpoint"
import * as Transfer from "@toehold/transfer/Transfer"
import { Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import {
  folders,
  look,
  nothingOfOurs,
  openMachine,
  randomFile,
  services,
  sumOf,
  writeTree
} from "./support/transfers.ts"

const roundTrip = Effect.fnUntraced(function* (server: SshServer) {
  const { here, there } = yield* folders
  const machine = yield* openMachine(server)
  const source = Path.join(here, "tree")
  Fs.mkdirSync(source)
  writeTree(source)
  const put = yield* Transfer.put(machine, { sources: [source], target: Path.join(there, "tree") })
  assert.deepInclude(put, { files: 203, links: 8, skipped: 0 })
  assert.deepStrictEqual(look(Path.join(there, "tree")), look(source))
  const got = yield* Transfer.get(machine, {
    sources: [Path.join(there, "tree")],
    target: Path.join(here, "back"),
    verify: true
  })
  assert.strictEqual(got.files, 203)
  assert.deepStrictEqual(look(Path.join(here, "back")), look(source))
  // Into what is there: what is the same stays, the rest is replaced.
  Fs.writeFileSync(Path.join(source, "empty"), "no more")
  for (let index = 0; index < 10; index++) Fs.writeFileSync(Path.join(source, `new ${index}`), `new ${index}`)
  const more = yield* Transfer.put(machine, { sources: [`${source}/`], target: Path.join(there, "tree") })
  assert.deepInclude(more, { files: 11, links: 0, skipped: 210 })
  assert.deepStrictEqual(look(Path.join(there, "tree")), look(source))
  Fs.writeFileSync(Path.join(there, "tree", "surplus"), "")
  Fs.rmSync(Path.join(source, "large 1"))
  const synced = yield* Transfer.sync({
    from: yield* Endpoint.local,
    source: `${source}/`,
    to: machine,
    target: Path.join(there, "tree"),
    delete: true
  })
  assert.deepInclude(synced, { files: 0, deleted: ["large 1", "surplus"] })
  assert.deepStrictEqual(look(Path.join(there, "tree")), look(source))
  const name = Path.join(here, "one")
  const sum = randomFile(name, 5_000_000)
  const one = yield* Transfer.put(machine, { sources: [name], target: there, verify: true })
  assert.strictEqual(one.sha256, sum)
  yield* Transfer.get(machine, { sources: [Path.join(there, "one")], target: Path.join(here, "two") })
  assert.strictEqual(sumOf(Path.join(here, "two")), sum)
  nothingOfOurs(here, there)
})

describeWith(["sshd"], "files and trees over SSH", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })("OpenSSH", (it) => {
    it.effect("come and go as they are", () => Effect.flatMap(OpenSshServer.OpenSshServer, roundTrip))

    it.effect("come from /proc, and go to the login folder", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { here } = yield* folders
        const machine = yield* openMachine(server)
        yield* Transfer.get(machine, { sources: ["/proc/version"], target: Path.join(here, "version") })
        assert.strictEqual(
          Fs.readFileSync(Path.join(here, "version"), "utf8"),
          Fs.readFileSync("/proc/version", "utf8")
        )
        yield* Transfer.put(machine, { sources: [Path.join(here, "version")], target: "." })
        assert.isTrue(Fs.existsSync(Path.join(server.homeDir, "version")))
      })
    )
  })

  it.layer(
    OpenSshServer.layer({ config: ["Subsystem none /bin/false", "MaxSessions 2"] }).pipe(Layer.provideMerge(services)),
    {
      excludeTestServices: true
    }
  )("OpenSSH without SFTP", (it) => {
    it.effect("come and go as they are", () => Effect.flatMap(OpenSshServer.OpenSshServer, roundTrip))
  })
})

describeWith(["sshd", "root"], "a full disk over SSH", () => {
  for (const config of [[], ["Subsystem none /bin/false"]]) {
    it.live(`is said, and not kept full, ${config.length === 0 ? "with SFTP" : "without"}`, () =>
      Effect.gen(function* () {
        const { here, there } = yield* folders
        yield* Effect.acquireRelease(
          Effect.sync(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", there])),
          () => Effect.sync(() => execFileSync("umount", [there]))
        )
        // What is mounted later the server doesn't see.
        const machine = yield* openMachine(yield* OpenSshServer.make({ config }))
        randomFile(Path.join(here, "large"), 4_000_000)
        Fs.mkdirSync(Path.join(here, "tree"))
        for (let index = 0; index < 30; index++) randomFile(Path.join(here, "tree", `${index}`), 100_000)
        for (const name of ["large", "tree"]) {
          const options = { sources: [Path.join(here, name)], target: Path.join(there, name) }
          const error = yield* Effect.flip(Transfer.put(machine, options))
          assert.strictEqual(error.reason._tag, "NoSpace", error.message)
          assert.deepStrictEqual(Fs.readdirSync(there), [])
        }
      }).pipe(Effect.scoped, Effect.provide(services))
    )
  }
})

describeWith(["dropbear", "dropbearconvert", "private-accounts"], "files and trees over dropbear", () => {
  it.layer(DropbearServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })(
    "dropbear",
    (it) => {
      it.effect("come and go as they are", () => Effect.flatMap(DropbearServer.DropbearServer, roundTrip))
    }
  )
})
