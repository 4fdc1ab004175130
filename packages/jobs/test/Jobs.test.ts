import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import { Jobs } from "../src/Jobs.ts"
import * as JobSpec from "../src/JobSpec.ts"
import * as Machine from "./support/machine.ts"

for (const shell of ["dash", "bash", "ash"] as const) {
  describeWith([shell === "ash" ? "busybox" : shell], `Jobs with ${shell}`, () => {
    it.layer(Machine.layer({ shell }), { excludeTestServices: true })((it) => {
      it.effect("runs, keeps and reports", () =>
        Effect.gen(function* () {
          const jobs = yield* Jobs
          const t0 = performance.now()
          const started = yield* jobs.start(JobSpec.shell("echo out; echo err >&2; exit 7"))
          console.log(performance.now() - t0, started)
          const events = yield* Stream.runCollect(jobs.follow(started.id))
          console.log(
            performance.now() - t0,
            events.map((e) => ("data" in e ? { ...e, data: new TextDecoder().decode(e.data) } : e))
          )
          console.log(yield* jobs.list)
          console.log(yield* jobs.read(started.id, { stream: "stderr" }))
          yield* jobs.forget(started.id)
          assert.deepStrictEqual(yield* jobs.list, [])
        })
      )
    })
  })
}
