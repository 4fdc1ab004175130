import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"

describeWith(["sshd", "private-accounts"], "examples for Vast.ai", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("vast-instances runs a command on each that runs", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const home = yield* fs.makeTempDirectoryScoped()
        const { privateKey, publicKey } = yield* KeyPair.generate()
        yield* fs.makeDirectory(`${home}/.ssh`, { mode: 0o700 })
        yield* fs.writeFileString(`${home}/.ssh/id_vast`, privateKey, { mode: 0o600 })
        const delays = { status: 5, load: 5, ssh: 5, keys: 5 }
        const simulator = yield* Simulator.make({ delays, publicKeys: [publicKey] })
        const [first, second] = [yield* simulator.rent(), yield* simulator.rent()]
        yield* simulator.rent({ fate: "loads" })
        yield* first.settled
        yield* second.settled
        const script = new URL("vast-instances.ts", import.meta.url).pathname
        const env = { HOME: home, VAST_URL: simulator.url, VAST_API_KEY: Redacted.value(simulator.apiKey) }
        const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
        const lines = yield* spawner.lines(
          ChildProcess.make(process.execPath, [script, "id -un"], { env, extendEnv: true })
        )
        assert.deepStrictEqual(
          new Set(lines.filter((line) => line.startsWith("vast:"))),
          new Set([`vast:${first.id}: root`, `vast:${second.id}: root`])
        )
      }).pipe(Effect.scoped)
    )
  })
})

describe("examples for Vast.ai's API alone", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("vast-offers prints offers and instances, and what is wrong with a key", () =>
      Effect.gen(function* () {
        const simulator = yield* Simulator.make({ servers: "none" })
        const { direct, id, proxy, settled } = yield* simulator.rent()
        yield* settled
        const script = new URL("vast-offers.ts", import.meta.url).pathname
        const run = Effect.fnUntraced(function* (key: string) {
          const env = { VAST_URL: simulator.url, VAST_API_KEY: key }
          const child = yield* ChildProcess.make(process.execPath, [script, "RTX 4090"], { env, extendEnv: true })
          const lines = yield* Stream.mkString(Stream.decodeText(child.all))
          return { lines: lines.split("\n"), exitCode: Number(yield* child.exitCode) }
        })
        assert.deepStrictEqual(yield* run(Redacted.value(simulator.apiKey)), {
          lines: [
            "offer 12345678: 1 x RTX 4090 for $0.36 an hour",
            "offer 12345679: 2 x RTX 4090 for $0.70 an hour",
            `instance ${id}: running, direct root@127.0.0.1:${direct?.port}, proxy root@127.0.0.1:${proxy?.port}`,
            ""
          ],
          exitCode: 0
        })
        const refused = yield* run("wrong")
        assert.strictEqual(refused.exitCode, 1)
        assert.include(refused.lines.join(""), "key")
      })
    )
  })
})
