import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { JobState } from "../src/JobStatus.ts"
import { collect, printing, sha256, site } from "./support/site.ts"

describeWith(["sshd", "private-accounts"], "Jobs over SSH connections that break", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true })((it) => {
    it.effect("are started once and followed to the last byte, wherever the connection is cut", () =>
      Effect.gen(function* () {
        const { jobs, proxy, read } = yield* site
        const id = Leaks.marker()
        // From the handshake over the start to the middle of the output.
        const cuts = [1000, 4500, 9000, 20_000, 80_000, 200_000, 700_000]
        const cutting = Effect.gen(function* () {
          for (const bytes of cuts) {
            yield* proxy.set("both", { cutAfter: { bytes, by: bytes % 2 === 0 ? "rst" : "fin" } })
            const { accepted } = yield* proxy.connections
            while ((yield* proxy.connections).accepted === accepted) yield* Effect.sleep("10 millis")
          }
          yield* proxy.heal
        })
        const fiber = yield* Effect.forkScoped(cutting)
        yield* jobs.start(printing(id, 30))
        const seen = collect()
        yield* Stream.runForEach(jobs.follow(id, { streams: ["stdout"] }), seen.add)
        assert.strictEqual(sha256(seen.bytes()), sha256(read(id)))
        assert.isAbove((yield* proxy.connections).accepted, 3)
        yield* Fiber.interrupt(fiber)
        yield* proxy.heal
        assert.deepStrictEqual((yield* jobs.status(id)).state, JobState.Exited({ exitCode: 0 }))
        assert.strictEqual((yield* jobs.list).filter((job) => job.id === id).length, 1)
        yield* jobs.forget(id)
        yield* Leaks.awaitProcesses(id, 0)
      })
    )

    it.effect("go on while followers are killed again and again", () =>
      Effect.gen(function* () {
        const { jobs, read } = yield* site
        const id = Leaks.marker()
        yield* jobs.start(printing(id, 40))
        const seen = collect()
        const killing = Effect.gen(function* () {
          for (;;) {
            yield* Effect.sleep("150 millis")
            for (const line of yield* Leaks.processes(`toehold-job ${id}`)) {
              yield* Effect.ignore(Effect.try(() => process.kill(Number(line.split(" ")[0]), "SIGKILL")))
            }
          }
        })
        yield* Effect.forkScoped(killing)
        yield* Stream.runForEach(jobs.follow(id, { streams: ["stdout"] }), seen.add)
        assert.strictEqual(sha256(seen.bytes()), sha256(read(id)))
      }).pipe(Effect.scoped)
    )

    it.effect("outlive their server, and are found again by the next", () =>
      Effect.gen(function* () {
        const { jobs, read, server } = yield* site
        const id = Leaks.marker()
        yield* jobs.start(printing(id, 40))
        const seen = collect()
        const following = yield* Effect.forkScoped(
          Stream.runForEach(jobs.follow(id, { streams: ["stdout"] }), seen.add)
        )
        yield* Effect.sleep("300 millis")
        yield* server.restart
        yield* Effect.sleep("500 millis")
        yield* server.endSessions
        yield* Fiber.join(following)
        assert.strictEqual(sha256(seen.bytes()), sha256(read(id)))
      })
    )
  })
})
