import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
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
