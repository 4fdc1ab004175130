/**
 * Starts a job on this machine, follows it to its end and clears it away. Run it again while it counts: it finds the job
 * that is there.
 *
 *     node examples/run-job.ts
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Jobs, JobSpec } from "@toehold/jobs"
import { Console, Effect, Layer, Stream } from "effect"

const count = JobSpec.shell("for i in 1 2 3; do echo line $i; sleep 0.2; done; exit 3", {
  id: "example-count",
  timeLimit: "1 minute"
})

const main = Effect.gen(function* () {
  const jobs = yield* Jobs.Jobs
  const { id } = yield* jobs.start(count)
  yield* jobs.follow(id).pipe(
    Stream.filter((event) => event._tag === "Output"),
    Stream.map(({ data }) => data),
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) => Console.log(line))
  )
  const { state } = yield* jobs.status(id)
  yield* Console.log(state._tag === "Exited" ? `exit code ${state.exitCode}` : state._tag)
  yield* jobs.forget(id)
})

main.pipe(Effect.provide(Jobs.layer.pipe(Layer.provide(NodeServices.layer))), NodeRuntime.runMain)
