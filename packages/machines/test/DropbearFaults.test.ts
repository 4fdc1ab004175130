import { assert, it } from "@effect/vitest"
import * as Jobs from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as Transfer from "@toehold/transfer/Transfer"
import { Effect, Fiber, Layer, Schedule, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { badWayTo, cuts } from "./support/badNetwork.ts"
import { look, nothingOfOurs, randomFile, services, sumOf, writeTree } from "./support/transfers.ts"

const sh = SshCommand.shell

const retry = Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 20 }))

const badNetwork = Effect.flatMap(DropbearServer.DropbearServer, badWayTo)

const sha256 = (bytes: Uint8Array): string => Crypto.createHash("sha256").update(bytes).digest("hex")

describeWith(["dropbear", "dropbearconvert", "private-accounts"], "dropbear over a bad network", () => {
  it.layer(DropbearServer.layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("runs no command twice, wherever the connection is cut", () =>
      Effect.gen(function* () {
        const { machine, proxy, there } = yield* badNetwork
        const trace = Path.join(there, "trace")
        const mark = Leaks.marker()
        const command = (index: number) =>
          sh(`echo ${index} >>${trace}; head -c 3000 /dev/zero | tr '\\0' x; sleep 0.0${index % 10}; : ${mark}`)
        const cutting = yield* Effect.forkChild(
          cuts(
            proxy,
            Array.from({ length: 12 }, (_, index) => 900 + index * 650)
          )
        )
        const results = yield* Effect.forEach(
          Array.from({ length: 60 }, (_, index) => index),
          (index) => Effect.result(machine.exec(command(index))),
          { concurrency: 4 }
        )
        yield* Fiber.interrupt(cutting)
        assert.isAbove((yield* proxy.connections).accepted, 4)
        yield* Leaks.awaitProcesses(mark, 0)
        const lines = Fs.readFileSync(trace, "utf8").trim().split("\n").map(Number)
        for (const [index, result] of results.entries()) {
          const runs = lines.filter((line) => line === index).length
          if (result._tag === "Success") {
            const { exitCode, stdout } = result.success
            assert.deepStrictEqual([exitCode, stdout.text, runs], [0, "x".repeat(3000), 1])
          } else {
            assert.strictEqual(result.failure.outcome, "may-have-run", result.failure.message)
            assert.isAtMost(runs, 1)
          }
        }
      })
    )

    it.effect("loses and invents no byte of a file or a tree, wherever it is cut", () =>
      Effect.gen(function* () {
        const { here, machine, proxy, there } = yield* badNetwork
        const sum = randomFile(Path.join(here, "large"), 4_000_000)
        const source = Path.join(here, "tree")
        Fs.mkdirSync(source)
        writeTree(source)
        yield* proxy.set("both", { bytesPerSecond: 20_000_000 })
        const cutting = yield* Effect.forkChild(cuts(proxy, [1000, 1_500_000, 900_000, 20_000, 700_000]))
        yield* Transfer.put(machine, { sources: [Path.join(here, "large")], target: there, retry })
        yield* Transfer.put(machine, { sources: [source], target: Path.join(there, "tree"), retry })
        yield* Fiber.interrupt(cutting)
        assert.strictEqual(sumOf(Path.join(there, "large")), sum)
        assert.deepStrictEqual(look(Path.join(there, "tree")), look(source))
        const again = yield* Effect.forkChild(cuts(proxy, [2000, 1_500_000, 800_000, 30_000]))
        yield* Transfer.get(machine, { sources: [Path.join(there, "large")], target: Path.join(here, "back"), retry })
        yield* Transfer.get(machine, {
          sources: [Path.join(there, "tree")],
          target: Path.join(here, "back tree"),
          retry
        })
        yield* Fiber.interrupt(again)
        assert.strictEqual(sumOf(Path.join(here, "back")), sum)
        assert.deepStrictEqual(look(Path.join(here, "back tree")), look(source))
        nothingOfOurs(here, there)
      })
    )

    it.effect("has a job followed to its last byte, however often the connection is cut", () =>
      Effect.gen(function* () {
        const { machine, proxy, there } = yield* badNetwork
        const jobs = yield* Jobs.make({ reconnectFor: "25 seconds" }).pipe(
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, machine.processes)
        )
        const id = Leaks.marker()
        const whole = Path.join(there, id)
        const cutting = yield* Effect.forkChild(cuts(proxy, [1500, 3000, 9000, 80_000, 200_000, 400_000]))
        yield* jobs.start(
          JobSpec.shell(
            `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do head -c 70000 /dev/urandom; sleep 0.05; done | tee ${whole}`,
            { id }
          )
        )
        const pieces: Array<Uint8Array> = []
        yield* Stream.runForEach(jobs.follow(id, { streams: ["stdout"] }), (event) =>
          Effect.sync(() => {
            assert.notStrictEqual(event._tag, "Gap")
            if (event._tag === "Output") pieces.push(event.data.slice())
          })
        )
        yield* Fiber.interrupt(cutting)
        assert.strictEqual(sha256(Buffer.concat(pieces)), sha256(Fs.readFileSync(whole)))
        assert.strictEqual((yield* jobs.list).filter((job) => job.id === id).length, 1)
        yield* jobs.forget(id)
        yield* Leaks.awaitProcesses(id, 0)
      })
    )
  })
})
