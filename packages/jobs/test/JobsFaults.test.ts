import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schema, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Jobs from "../src/Jobs.ts"
import * as JobSpec from "../src/JobSpec.ts"
import { cutting, killing } from "./support/cuts.ts"
import * as Machine from "./support/machine.ts"
import { sh, textOf } from "./support/suite.ts"

const jobsOn = (spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) =>
  Jobs.make({ reconnectFor: "20 seconds" }).pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
  )

/** After how many bytes of an answer the connection is lost, one after the other. */
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200_000 }))).check(
  Schema.isMaxLength(5)
)

const awaitEnd = (id: string) => Effect.flatMap(Jobs.Jobs, (jobs) => jobs.wait(id))

describeWith(["dash"], "Jobs over connections that break", () => {
  it.layer(Machine.layer(), { excludeTestServices: true })((it) => {
    it.effect.prop(
      "follows every byte once, wherever the answers are cut",
      { cuts: Cuts },
      ({ cuts }) =>
        Effect.gen(function* () {
          const { home, spawner } = yield* Machine.Machine
          const jobs = yield* Jobs.Jobs
          const id = "noise"
          yield* jobs.start(
            JobSpec.shell("head -c 300000 /dev/urandom | tee whole; head -c 5000 /dev/urandom | tee words >&2", { id })
          )
          yield* awaitEnd(id)
          const read = (name: string) => Fs.readFileSync(Path.join(home, name)).toString("latin1")
          const broken = yield* jobsOn(cutting(spawner, [...cuts]))
          const events = yield* Stream.runCollect(broken.follow(id))
          assert.isTrue(textOf(events, "stdout") === read("whole"))
          assert.isTrue(textOf(events, "stderr") === read("words"))
        }),
      { arbitrary: { runs: 12 } }
    )

    it.effect("starts once, whenever the login that starts it is killed", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const marker = Leaks.marker()
        for (const delay of [0, 10, 25, 35, 50, 80]) {
          const id = `${marker}-${delay}`
          const broken = yield* jobsOn(killing(spawner, [delay, delay]))
          yield* broken.start(JobSpec.shell(`echo ran >>"$HOME/${id}"`, { id, env: { S: Redacted.make("x") } }))
          yield* awaitEnd(id)
          assert.strictEqual(yield* sh(`cat "$HOME/${id}"`), "ran\n")
        }
        yield* Leaks.awaitProcesses(marker, 0)
        // What a killed attempt had made ready is gone with the next start or prune.
        yield* (yield* Jobs.Jobs).prune()
        assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs"), "")
      })
    )

    it.effect("starts once when the answer is lost", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const marker = Leaks.marker()
        const broken = yield* jobsOn(cutting(spawner, [0, 1, 40]))
        const { id } = yield* broken.start(JobSpec.shell(`echo ran >>"$HOME/${marker}"`))
        yield* awaitEnd(id)
        assert.strictEqual(yield* sh(`cat "$HOME/${marker}"`), "ran\n")
        const forgetful = yield* jobsOn(cutting(spawner, [0]))
        yield* forgetful.forget(id)
      })
    )

    it.effect("says that a job may have started when nobody could tell, and under which name", () =>
      Effect.gen(function* () {
        const { spawner } = yield* Machine.Machine
        const lossy = cutting(
          spawner,
          Array.from({ length: 99 }, () => 0)
        )
        const jobs = yield* Jobs.make({ reconnectFor: "1 second" }).pipe(
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, lossy)
        )
        const { reason } = yield* Effect.flip(jobs.start(JobSpec.shell("true")))
        assert(reason._tag === "Transport")
        assert.strictEqual(reason.outcome, "may-have-run")
        assert.include(reason.fix, reason.id ?? "?")
        const { reason: other } = yield* Effect.flip(jobs.status(reason.id ?? ""))
        assert.deepInclude(other, { _tag: "Transport", outcome: "did-not-run" })
      })
    )

    it.effect("gives up on a machine that answers nonsense", () =>
      Effect.gen(function* () {
        const { program, spawner } = yield* Machine.Machine
        const jobs = yield* Jobs.Jobs
        const { id } = yield* jobs.start(JobSpec.shell("echo out"))
        yield* awaitEnd(id)
        program("dd", "exit 1")
        const { reason } = yield* Effect.flip(Stream.runDrain((yield* jobsOn(spawner)).follow(id)))
        assert.strictEqual(reason._tag, "BadReply")
        Fs.rmSync(Path.join((yield* Machine.Machine).bin, "dd"))
        assert.strictEqual(textOf(yield* Stream.runCollect(jobs.follow(id)), "stdout"), "out\n")
      })
    )
  })
})
