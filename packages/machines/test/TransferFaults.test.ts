import { assert, it } from "@effect/vitest"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Transfer from "@toehold/transfer/Transfer"
import { Effect, Fiber, Layer, Schedule } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { badNetwork, cuts, when } from "./support/badNetwork.ts"
import { look, nothingOfOurs, randomFile, services, sumOf, writeTree } from "./support/transfers.ts"

const retry = Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 20 }))

const size = 8_000_000

describeWith(["sshd"], "a transfer over a bad network", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("goes on after cuts, and sends little of a large file twice", () =>
      Effect.gen(function* () {
        const { here, machine, proxy, there } = yield* badNetwork
        const sum = randomFile(Path.join(here, "large"), size)
        yield* proxy.set("both", { bytesPerSecond: 20_000_000 })
        const before = yield* proxy.bytes
        const cutting = yield* Effect.forkChild(cuts(proxy, [2_500_000, 2_000_000]))
        yield* Transfer.put(machine, { sources: [Path.join(here, "large")], target: there, retry })
        yield* Fiber.join(cutting)
        assert.strictEqual(sumOf(Path.join(there, "large")), sum)
        const sent = (yield* proxy.bytes).toServer - before.toServer
        assert.isBelow(sent, size * 1.7)
        const fetching = yield* Effect.forkChild(cuts(proxy, [2_500_000, 2_000_000]))
        const mark = yield* proxy.bytes
        yield* Transfer.get(machine, { sources: [Path.join(there, "large")], target: Path.join(here, "back"), retry })
        yield* Fiber.join(fetching)
        assert.strictEqual(sumOf(Path.join(here, "back")), sum)
        assert.isBelow((yield* proxy.bytes).toClient - mark.toClient, size * 1.7)
        nothingOfOurs(here, there)
      })
    )

    it.effect("loses and invents no file of a tree, wherever it is cut", () =>
      Effect.gen(function* () {
        const { here, machine, proxy, there } = yield* badNetwork
        const source = Path.join(here, "tree")
        Fs.mkdirSync(source)
        writeTree(source)
        yield* proxy.set("both", { bytesPerSecond: 20_000_000 })
        for (const [index, at] of [
          [1000, 20_000],
          [100_000, 200_000],
          [500_000, 3_000_000]
        ].entries()) {
          const cutting = yield* Effect.forkChild(cuts(proxy, at))
          const target = Path.join(there, `tree ${index}`)
          yield* Transfer.put(machine, { sources: [source], target, retry })
          yield* Fiber.interrupt(cutting)
          assert.deepStrictEqual(look(target), look(source))
          const back = yield* Effect.forkChild(cuts(proxy, at))
          yield* Transfer.get(machine, { sources: [target], target: Path.join(here, `back ${index}`), retry })
          yield* Fiber.interrupt(back)
          assert.deepStrictEqual(look(Path.join(here, `back ${index}`)), look(source))
        }
        nothingOfOurs(here, there)
      })
    )

    it.effect("finds a connection that is gone without a word", () =>
      Effect.gen(function* () {
        const { here, machine, proxy, there } = yield* badNetwork
        const sum = randomFile(Path.join(here, "large"), size)
        yield* proxy.set("both", { bytesPerSecond: 20_000_000 })
        const silence = yield* Effect.forkChild(
          when(
            proxy,
            3_000_000,
            // What passed through it then is dead for good; whoever comes when that is noticed finds it healed.
            Effect.andThen(proxy.set("both", { swallow: true }), Effect.andThen(Effect.sleep("1 second"), proxy.heal))
          )
        )
        yield* Transfer.put(machine, { sources: [Path.join(here, "large")], target: there, retry })
        yield* Fiber.join(silence)
        assert.strictEqual(sumOf(Path.join(there, "large")), sum)
        nothingOfOurs(here, there)
      })
    )

    it.effect("calls a slow link slow and not dead", () =>
      Effect.gen(function* () {
        const { here, machine, proxy, there } = yield* badNetwork
        const sum = randomFile(Path.join(here, "small"), 600_000)
        yield* proxy.set("both", { bytesPerSecond: 200_000 })
        const { connections } = { connections: yield* proxy.connections }
        yield* Transfer.put(machine, { sources: [Path.join(here, "small")], target: there })
        assert.strictEqual(sumOf(Path.join(there, "small")), sum)
        assert.strictEqual((yield* proxy.connections).accepted, connections.accepted)
      })
    )
  })
})
