import { assert, it } from "@effect/vitest"
import type { FaultProxy } from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Transfer from "@toehold/transfer/Transfer"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { badNetwork, when } from "./support/badNetwork.ts"
import { look, nothingOfOurs, openMachine, randomFile, services, sumOf, writeTree } from "./support/transfers.ts"

const size = 8_000_000

/** The bytes that have reached the server, when no more of a dead client's are on their way. */
const arrived = Effect.fnUntraced(function* (proxy: FaultProxy["Service"]) {
  for (let before = -1; ;) {
    const { toServer } = yield* proxy.bytes
    if (toServer === before) return toServer
    before = toServer
    yield* Effect.sleep("300 millis")
  }
})

describeWith(["sshd"], "a transfer that did not come to its end", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect(
      "says that the connection is lost where it stays so, and the next run goes on",
      () =>
        Effect.gen(function* () {
          const { here, machine, proxy, server, there } = yield* badNetwork
          const sum = randomFile(Path.join(here, "large"), size)
          yield* proxy.set("both", { bytesPerSecond: 20_000_000 })
          const cutting = yield* Effect.forkChild(
            when(proxy, 5_000_000, Effect.andThen(proxy.welcome("refuse"), proxy.cut("rst")))
          )
          const options = { sources: [Path.join(here, "large")], target: `${there}/`, retry: Schedule.recurs(0) }
          // The pool tries for half a minute by itself: a login of its own doesn't.
          const failed = yield* Transfer.put(machine, options).pipe(Effect.flip, Effect.timeout("60 seconds"))
          yield* Fiber.join(cutting)
          assert.strictEqual(failed.reason._tag, "ConnectionLost", failed.message)
          assert.deepInclude({ ...failed }, { placed: 0 })
          assert.strictEqual(failed.outcome, "did-not-run")
          yield* proxy.heal
          const again = yield* openMachine(server, proxy.port)
          const mark = yield* proxy.bytes
          yield* Transfer.put(again, options)
          assert.strictEqual(sumOf(Path.join(there, "large")), sum)
          assert.isBelow((yield* proxy.bytes).toServer - mark.toServer, size)
          nothingOfOurs(here, there)
        }),
      90_000
    )

    it.effect(
      "goes on where a client was killed",
      () =>
        Effect.gen(function* () {
          const { here, machine, proxy, server, there } = yield* badNetwork
          const sum = randomFile(Path.join(here, "large"), size)
          const tree = Path.join(here, "tree")
          Fs.mkdirSync(tree)
          writeTree(tree)
          yield* proxy.set("both", { bytesPerSecond: 10_000_000 })
          const script = new URL("support/put.ts", import.meta.url).pathname
          for (const [source, target, killAt] of [
            [Path.join(here, "large"), Path.join(there, "large"), 4_000_000],
            [tree, Path.join(there, "tree"), 3_000_000]
          ] as const) {
            const words = [`${server.user}@${server.host}`, String(proxy.port), server.privateKeyPath, source, target]
            const child = yield* Effect.acquireRelease(
              Effect.sync(() => spawn(process.execPath, [script, ...words], { stdio: "ignore" })),
              (child) => Effect.sync(() => child.kill("SIGKILL"))
            )
            yield* when(
              proxy,
              killAt,
              Effect.sync(() => child.kill("SIGKILL"))
            )
            assert.isFalse(Fs.existsSync(target))
            const mark = yield* arrived(proxy)
            yield* Transfer.put(machine, { sources: [source], target })
            const sent = (yield* proxy.bytes).toServer - mark
            assert.isBelow(sent, size - killAt / 4)
          }
          assert.strictEqual(sumOf(Path.join(there, "large")), sum)
          assert.deepStrictEqual(look(Path.join(there, "tree")), look(tree))
          nothingOfOurs(here, there)
        }),
      90_000
    )
  })
})
