import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Jobs from "../src/Jobs.ts"
import * as JobSpec from "../src/JobSpec.ts"
import { JobState } from "../src/JobStatus.ts"
import * as Machine from "./support/machine.ts"
import { sh, textOf } from "./support/suite.ts"

/** A machine whose disk has so many KiB. */
const smallDisk = (size: number, options: Machine.Options) =>
  Layer.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const disk = Fs.mkdtempSync(Path.join(Os.tmpdir(), "jobs-disk-"))
          ChildProcess.execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}k`, "tmpfs", disk])
          return disk
        }),
        (disk) =>
          Effect.sync(() => {
            ChildProcess.execFileSync("umount", ["--lazy", disk])
            Fs.rmdirSync(disk)
          })
      ),
      (disk) => Machine.layer({ ...options, in: disk })
    )
  )

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${String(index).padStart(9, "0")}\n`).join("")

for (const shell of ["dash", "bash", "ash"] as const) {
  describeWith(
    ["root", "private-accounts", shell === "ash" ? "busybox" : shell],
    `Jobs on a full disk, with ${shell}`,
    () => {
      it.layer(smallDisk(1500, { shell, busyboxOnly: shell === "ash" }), { excludeTestServices: true })((it) => {
        it.effect("go on to their end, keep the newest output, and say what is missing", () =>
          Effect.gen(function* () {
            const jobs = yield* Jobs.Jobs
            const count = 400_000
            const { id } = yield* jobs.start(
              JobSpec.shell(
                `seq -f %09.0f 0 ${count - 1} 2>/dev/null || seq -w 0 ${count - 1} | sed 's/^/000/'; exit 4`
              )
            )
            const status = yield* jobs.wait(id)
            assert.deepStrictEqual(status.state, JobState.Exited({ exitCode: 4 }))
            const events = yield* Stream.runCollect(jobs.follow(id, { streams: ["stdout"] }))
            const gaps = events.filter((event) => event._tag === "Gap")
            const kept = events.filter((event) => event._tag === "Output")
            assert.isAbove(gaps.length, 0)
            // Whatever was lost uncounted, what came last is there.
            const tail = textOf(events.slice(events.findLastIndex(({ _tag }) => _tag === "Gap") + 1), "stdout")
            assert.isTrue(lines(count).endsWith(tail))
            assert.isAbove(kept.length, 0)
            let next = 0
            for (const event of events) {
              if (event._tag === "Ended") continue
              assert.strictEqual(event._tag === "Gap" ? event.from : event.offset, next)
              next = event._tag === "Gap" ? event.to : next + event.data.length
            }
            assert.isAtLeast(next, count * 10)
            assert.isAtMost(next, count * 10 + 16_384 * gaps.length)
            yield* jobs.forget(id)
            yield* Leaks.awaitProcesses(id, 0)
          })
        )

        it.effect("are not begun without room for their files", () =>
          Effect.gen(function* () {
            const jobs = yield* Jobs.Jobs
            yield* sh("head -c 9000000 /dev/zero >~/ballast 2>/dev/null; true")
            const error = yield* Effect.flip(jobs.start(JobSpec.shell("echo ran >~/ran")))
            assert.deepStrictEqual([error.reason._tag, error.outcome], ["NoSpace", "did-not-run"])
            yield* sh("rm ~/ballast")
            assert.strictEqual(yield* sh("ls -A ~/.local/state/toehold/jobs; ls ~"), "")
          })
        )

        it.effect("record their end when the disk fills up meanwhile", () =>
          Effect.gen(function* () {
            const jobs = yield* Jobs.Jobs
            const { id } = yield* jobs.start(
              JobSpec.shell("head -c 9000000 /dev/zero >~/ballast 2>/dev/null; echo lost; exit 5")
            )
            assert.deepStrictEqual((yield* jobs.wait(id)).state, JobState.Exited({ exitCode: 5 }))
            yield* sh("rm ~/ballast")
            yield* jobs.forget(id)
          })
        )
      })
    }
  )
}
