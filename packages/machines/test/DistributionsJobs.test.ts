import { assert, it } from "@effect/vitest"
import * as Jobs from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import { JobState } from "@toehold/jobs/JobStatus"
import { describeWith } from "@toehold/lab/RealPart"
import { Effect, Fiber, Stream, Schedule } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import { accounts, behindProxy, openedOf } from "./support/distributions.ts"

/** Prints `pieces` times 70,000 bytes within as many tenths of a second, and keeps a copy of them and of each run. */
const printing = (folder: string, pieces: number) =>
  JobSpec.shell(
    `echo run >>runs; i=0; while [ $i -lt ${pieces} ]; do head -c 70000 /dev/urandom; sleep 0.1; i=$((i+1)); done | tee copy`,
    { cwd: folder, id: folder.slice(folder.lastIndexOf("/") + 1) }
  )

const setUp = Effect.gen(function* () {
  const { machine, server, silence } = yield* behindProxy
  const folder = yield* machine.files.makeTempDirectoryScoped({ prefix: "jobs-" })
  const sh = (script: string) => Effect.map(server.run("sh", "-c", `cd ${folder}; ${script}`), (text) => text.trim())
  const jobs = yield* Jobs.make().pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, machine.processes)
  )
  return { server, folder, sh, silence, jobs }
})

/** Follows a job from its first byte, with what was seen of it so far. */
const following = Effect.fnUntraced(function* (jobs: Jobs.Jobs["Service"], id: string) {
  const hash = Crypto.createHash("sha256")
  let seen = 0
  const fiber = yield* jobs.follow(id, { streams: ["stdout"] }).pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        assert.notStrictEqual(event._tag, "Gap")
        if (event._tag !== "Output") return
        assert.strictEqual(event.offset, seen)
        hash.update(event.data)
        seen += event.data.length
      })
    ),
    Effect.forkScoped
  )
  const until = (bytes: number) =>
    Effect.repeat(
      Effect.sync(() => seen),
      { until: (count) => count >= bytes, schedule: Schedule.spaced("10 millis") }
    )
  return { until, whole: Effect.map(Fiber.join(fiber), () => hash.digest("hex")) }
})

describeWith(["docker", "mmdebstrap"], "jobs on other distributions", () => {
  for (const account of accounts) {
    it.layer(openedOf(account), { excludeTestServices: true })(`as ${account.name}`, (it) => {
      it.effect("are started once, and followed to the last byte while the server dies and falls silent", () =>
        Effect.gen(function* () {
          const { folder, jobs, server, sh, silence } = yield* setUp
          const spec = printing(folder, 40)
          const started = yield* Effect.all([jobs.start(spec), jobs.start(spec), jobs.start(spec)], {
            concurrency: "unbounded"
          })
          assert.strictEqual(new Set(started.map(({ pid }) => pid)).size, 1)
          const id = spec.id ?? ""
          const { until, whole } = yield* following(jobs, id)
          yield* until(200_000)
          yield* server.restart
          yield* until(700_000)
          yield* silence(Effect.void)
          yield* until(1_200_000)
          yield* server.restart
          assert.strictEqual(yield* whole, (yield* sh("sha256sum <copy")).split(" ")[0])
          assert.strictEqual(yield* sh("cat runs"), "run")
          assert.deepStrictEqual((yield* jobs.status(id)).state, JobState.Exited({ exitCode: 0 }))
          yield* jobs.forget(id)
        })
      )

      it.effect("run once when the machine falls silent before it answers", () =>
        Effect.gen(function* () {
          const { folder, jobs, sh, silence } = yield* setUp
          const spec = printing(folder, 1)
          const { id } = yield* Effect.flatMap(silence(jobs.start(spec)), Fiber.join)
          assert.deepStrictEqual((yield* jobs.wait(id)).state, JobState.Exited({ exitCode: 0 }))
          assert.strictEqual(yield* sh("cat runs"), "run")
          yield* jobs.forget(id)
        })
      )

      it.effect("end by a signal, by their limit, and unseen", () =>
        Effect.gen(function* () {
          const { folder, jobs, sh } = yield* setUp
          const family = (
            id: string,
            { before = "", ...options }: JobSpec.Options & { readonly before?: string } = {}
          ) =>
            jobs.start(
              JobSpec.shell(`sleep 611 & echo $! >>pids; (${before} sleep 612) & echo $! >>pids; wait; sleep 613`, {
                ...options,
                id,
                cwd: folder
              })
            )
          const killed = yield* family("killed", { before: "trap '' TERM;" })
          const ended = yield* jobs.kill(killed.id, { killSignal: "SIGTERM", forceKillAfter: "300 millis" })
          assert.deepStrictEqual(ended.state, JobState.Killed({ signal: "SIGTERM" }))
          const limited = yield* family("limited", { timeLimit: "1 second" })
          const status = yield* jobs.wait(limited.id)
          assert.deepStrictEqual([status.state, status.timedOut], [JobState.Killed({ signal: "SIGTERM" }), true])
          const lost = yield* family("lost")
          const records = `${account.user === "root" ? "/root" : "/home/agent"}/.local/state/toehold/jobs/${lost.id}/d`
          yield* sh(`read -r sup rest <${records}/sup; kill -KILL $sup ${lost.pid} $(tail -n2 pids)`)
          assert.deepStrictEqual((yield* jobs.wait(lost.id)).state, JobState.Lost({ cause: "outside" }))
          yield* jobs.prune()
          assert.deepStrictEqual(yield* jobs.list, [])
        })
      )
    })
  }
})
