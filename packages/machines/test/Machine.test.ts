import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer, Result, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Machine from "../src/Machine.ts"

const services = Layer.mergeAll(
  NodeServices.layer,
  ClientPlatform.layer,
  SshPool.layer().pipe(Layer.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer)))
)

/** Written for local processes and files, and told of no machine. */
const program = (folder: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    yield* fs.writeFileString(`${folder}/in`, "b\na\n")
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const lines = yield* spawner.lines(
      ChildProcess.make("cat", [`${folder}/in`]).pipe(ChildProcess.pipeTo(ChildProcess.make("sort")))
    )
    return { lines, size: Number((yield* fs.stat(`${folder}/in`)).size) }
  })

const read = (list: string) => Result.getOrElse(Machine.names(list), ({ message }) => message)

describeWith(["sshd"], "Machine", () => {
  it.layer(OpenSshServer.layer({ config: ["MaxSessions 3"] }).pipe(Layer.provideMerge(services)), {
    excludeTestServices: true
  })((it) => {
    it.effect("runs a program that was written for this machine on any", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const flags = { configFile: "none", identityFiles: [server.privateKeyPath], port: server.port }
        for (const name of ["local:", `${server.user}@${server.host}`]) {
          const machine = yield* Machine.open(name, { flags, knownHostsFile: server.knownHostsPath })
          assert.strictEqual(machine.name, name)
          const ran = yield* program(server.tempDir).pipe(Effect.provideContext(Machine.context(machine)))
          assert.deepStrictEqual(ran, { lines: ["a", "b"], size: 4 }, name)
          const { exitCode, stdout } = yield* machine.exec(SshCommand.shell("echo out; exit 2"))
          assert.deepStrictEqual([exitCode, stdout.text], [2, "out\n"])
          const { output } = yield* machine.start(SshCommand.shell("read x; echo $x >&2"), { stdin: "in\n" })
          const chunks = yield* Stream.runCollect(output)
          assert.deepStrictEqual(
            chunks.map(({ data, stream }) => [stream, Buffer.from(data).toString()]),
            [["stderr", "in\n"]]
          )
        }
      })
    )
  })
})

describe("Machine", () => {
  it("reads a list of names", () => {
    assert.deepStrictEqual(read("web"), ["web"])
    assert.deepStrictEqual(read("web,root@db:22,local:"), ["web", "root@db:22", "local:"])
    assert.deepStrictEqual(read("serial:fifo:/a,/b,web"), ["serial:fifo:/a,/b", "web"])
    assert.deepStrictEqual(read(" ssh -J a,b web "), ["ssh -J a,b web"])
    assert.include(read("web,db,web"), "web stands there twice")
    assert.include(read("web,"), "a name is missing")
  })

  it.layer(services)((it) => {
    it.effect("says what it can't reach yet, and what it can't understand", () =>
      Effect.gen(function* () {
        for (const name of ["vast:1", "ssh -W a:1 b", ""]) {
          const error = yield* Effect.flip(Machine.open(name))
          assert.strictEqual(error.reason._tag, "InvalidTarget", name)
        }
      })
    )
  })
})
