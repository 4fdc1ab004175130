import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted, Schema, type Scope } from "effect"
import * as Fs from "node:fs"
import * as KeyPair from "../src/KeyPair.ts"
import * as RealPart from "../src/RealPart.ts"
import * as VastSimulator from "../src/VastSimulator.ts"

const Shared = Schema.fromJsonString(Schema.Struct({ url: Schema.String, apiKey: Schema.String }))

/** What another program asks that has found the simulator by its file. */
const ask = Effect.fnUntraced(function* (file: string, method: string, path: string, body?: object) {
  const { apiKey, url } = yield* Schema.decodeEffect(Shared)(Fs.readFileSync(file, "utf8"))
  const answer = yield* Effect.promise(() =>
    fetch(`${url}/api/v0${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  )
  return (yield* Effect.promise(() => answer.json())) as Record<string, unknown> // what the simulator answers
})

type Services = NodeServices.NodeServices | Scope.Scope

const live = <A, E>(effect: Effect.Effect<A, E, Services>) =>
  effect.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const parts = ["sshd", "private-accounts"] as const

RealPart.describeWith(parts, "a VastSimulator that keeps its account in a file", () => {
  it.live(
    "goes on from it, with its keys, its instances, their files and their host keys",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-lab-file-" })
        const file = `${folder}/account.json`
        const { publicKey } = yield* KeyPair.generate()
        const before = yield* Effect.scoped(
          Effect.gen(function* () {
            const simulator = yield* VastSimulator.make({ file, publicKeys: [publicKey] })
            const running = yield* simulator.rent({ workspace: "home", label: "kept" })
            const stopped = yield* simulator.rent()
            yield* Effect.forEach([running, stopped], ({ settled }) => settled)
            yield* simulator.order(stopped.id, "stop")
            yield* stopped.settled
            yield* ask(file, "POST", "/secrets/", { key: "TOKEN", value: "t" })
            yield* ask(file, "PUT", `/instances/${running.id}/`, { label: "by another program" })
            Fs.writeFileSync(`${running.homeDir}/work`, "hours of it")
            return {
              url: simulator.url,
              apiKey: Redacted.value(simulator.apiKey),
              running: running.id,
              stopped: stopped.id,
              ports: [running.direct?.port, running.proxy?.port],
              homeDir: running.homeDir,
              hostKeys: (yield* running.hostKeys).direct.map(({ fingerprint }) => fingerprint)
            }
          })
        )
        assert.strictEqual(Fs.statSync(file).mode & 0o777, 0o600)

        const simulator = yield* VastSimulator.make({ file, publicKeys: [publicKey] })
        assert.deepStrictEqual([simulator.url, Redacted.value(simulator.apiKey)], [before.url, before.apiKey])
        const running = yield* simulator.instance(before.running)
        const stopped = yield* simulator.instance(before.stopped)
        yield* running.settled
        assert.deepStrictEqual([yield* running.status, yield* stopped.status], ["running", "exited"])
        assert.deepStrictEqual([running.direct?.port, running.proxy?.port], before.ports)
        assert.deepStrictEqual(
          (yield* running.hostKeys).direct.map(({ fingerprint }) => fingerprint),
          before.hostKeys
        )
        assert.strictEqual(Fs.readFileSync(`${running.homeDir}/work`, "utf8"), "hours of it")
        const shown = yield* ask(file, "GET", `/instances/${before.running}/`)
        assert.include(JSON.stringify(shown), "by another program")
        assert.deepInclude(yield* ask(file, "GET", "/secrets/"), { secrets: { TOKEN: "********" } })
        const keys = yield* ask(file, "GET", `/instances/${before.running}/ssh/`)
        assert.include(JSON.stringify(keys), publicKey.split(" ")[1] ?? "")
        // What is made now has another number than what there was, and nobody else's files.
        const next = yield* simulator.rent()
        assert.notInclude([before.running, before.stopped], next.id)
        yield* simulator.order(before.running, "destroy")
        assert.isFalse(Fs.existsSync(before.homeDir))
      }).pipe(live),
    90_000
  )

  it.live("says so when the file is none of its own", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-lab-file-" })
      yield* fs.writeFileString(`${folder}/notes`, "no account")
      const error = yield* Effect.flip(VastSimulator.make({ file: `${folder}/notes` }))
      assert.include(error.message, `${folder}/notes`)
      assert.strictEqual(Fs.readFileSync(`${folder}/notes`, "utf8"), "no account")
    }).pipe(live)
  )
})
