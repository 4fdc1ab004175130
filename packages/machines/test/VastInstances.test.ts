import { assert, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer, type Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"
import * as VastClient from "@toehold/vast-api/VastClient"
import * as Machine from "../src/Machine.ts"

const base = Layer.merge(NodeServices.layer, ClientPlatform.layer)
const services = Layer.mergeAll(
  base,
  FetchHttpClient.layer,
  SshPool.layer({ retryFor: "100 millis" }).pipe(Layer.provide(base))
)

/** An account with a key, an instance that lets it in, and what opens it. */
const rented = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const { privateKey, publicKey } = yield* KeyPair.generate()
  yield* fs.writeFileString(`${folder}/key`, privateKey, { mode: 0o600 })
  const delays = { status: 5, load: 5, ssh: 5, keys: 5 }
  const simulator = yield* Simulator.make({ delays, publicKeys: [publicKey] })
  const vast = VastClient.make({ apiKey: simulator.apiKey, baseUrl: simulator.url, interval: () => 0 })
  const instance = yield* simulator.rent()
  yield* instance.settled
  const options = {
    flags: { configFile: "none", identityFiles: [`${folder}/key`] },
    knownHostsFile: `${folder}/known_hosts`,
    vast: yield* Effect.map(Effect.context<Effect.Services<typeof vast>>(), (context) =>
      Effect.provideContext(vast, context)
    )
  } satisfies Machine.Options
  return { instance, options, name: `vast:${instance.id}` }
})

const scoped = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) => Effect.scoped(effect)

describeWith(["sshd", "private-accounts"], "an instance of Vast.ai", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    it.effect("runs a program that was written for this machine, by either of its addresses", () =>
      Effect.gen(function* () {
        const { instance, name, options } = yield* rented
        const program = Effect.gen(function* () {
          const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
          const fs = yield* FileSystem.FileSystem
          yield* fs.writeFileString("/tmp/made", "here")
          return yield* spawner.string(ChildProcess.make("cat", ["/tmp/made"]))
        })
        const run = scoped(
          Effect.flatMap(Machine.open(name, options), (machine) =>
            Effect.provideContext(program, Machine.context(machine))
          )
        )
        assert.strictEqual(yield* run, "here")
        yield* instance.direct?.close ?? Effect.void
        assert.strictEqual(yield* run, "here")
        yield* instance.proxy?.close ?? Effect.void
        const error = yield* Effect.flip(run)
        assert(error._tag === "MachineError" && error.reason._tag === "RoutesFailed")
        assert.deepStrictEqual(
          error.reason.attempts.map(({ error, route }) => [route, error.reason._tag]),
          [
            ["direct", "ConnectionRefused"],
            ["proxy", "ConnectionRefused"]
          ]
        )
      }).pipe(scoped)
    )

    it.effect("is asked about only where one is named, and needs a client", () =>
      Effect.gen(function* () {
        const vast = Effect.die("nobody asked for an instance")
        assert.strictEqual((yield* Machine.open("local:", { vast })).name, "local:")
        const error = yield* Effect.flip(Machine.open("vast:1"))
        assert.strictEqual(error.reason._tag, "InvalidTarget")
      }).pipe(scoped)
    )
  })
})
