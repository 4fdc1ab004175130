/** A hundred sessions, and a worker that is killed with -9 ten times, at any moment: none is lost, nothing is done twice. */
import { Clock, Console, Effect, FileSystem, Random } from "effect"
import { inOrder } from "@toehold/bootstrap-service/SessionStep"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { report } from "./report.ts"

const sessions = Number(process.env["TOEHOLD_KILL_SESSIONS"] ?? 100)
const kills = Number(process.env["TOEHOLD_KILLS"] ?? 10)

/** In milliseconds: a worker works no longer than `longestWork`, and a step takes up to twice `step`. */
const longestWork = 2500
const step = 1200

const child = new URL("../packages/bootstrap-service/test/support/workerProgram.ts", import.meta.url).pathname

const worker = (folder: string, stepMillis: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const words = [child, `${folder}/sessions.db`, folder, String(sessions), String(stepMillis)]
      const started = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] })
      let ready = 0
      started.stdout.on("data", (chunk: Buffer) => {
        for (const [, count] of chunk.toString().matchAll(/^ready (\d+)$/gm)) ready = Number(count)
      })
      const kill = Effect.callback<void>((resume) => {
        if (started.exitCode !== null || started.signalCode !== null) return resume(Effect.void)
        started.once("close", () => resume(Effect.void))
        started.kill("SIGKILL")
      })
      return { pid: started.pid ?? 0, ready: () => ready, kill }
    }),
    ({ kill }) => kill
  )

/** What the workers have noted: `begin`, `done` or `doubled`, the session, the step, the worker. */
const notes = (folder: string): ReadonlyArray<ReadonlyArray<string>> =>
  Fs.existsSync(`${folder}/log`)
    ? Fs.readFileSync(`${folder}/log`, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" "))
    : []

const hasBegun = (folder: string, pid: number): boolean => notes(folder).some(([, , , by]) => by === String(pid))

const until = (isSo: () => boolean) =>
  Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), Effect.sync(isSo)), { until: (so) => so })

export const sessionKill = Effect.fnUntraced(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-bench-" })
  const resumed: Array<number> = []
  const cut: Array<number> = []
  for (let at = 0; at < kills; at++) {
    const from = yield* Clock.currentTimeMillis
    const one = yield* worker(folder, step)
    // Every third is killed while it may be starting still.
    if (at % 3 !== 2) {
      yield* until(() => hasBegun(folder, one.pid))
      resumed.push((yield* Clock.currentTimeMillis) - from)
    }
    yield* Effect.sleep(yield* Random.nextIntBetween(0, longestWork))
    yield* one.kill
    const life = (yield* Clock.currentTimeMillis) - from
    const all = notes(folder)
    const done = new Set(all.filter(([what]) => what === "done").map(([, session, name]) => `${session} ${name}`))
    const begun = all.filter(([what, , , pid]) => what === "begin" && pid === String(one.pid))
    cut.push(begun.filter(([, session, name]) => !done.has(`${session} ${name}`)).length)
    yield* Console.log(`  killed after ${life} ms, in the middle of ${cut.at(-1)} steps`)
  }
  const from = yield* Clock.currentTimeMillis
  const last = yield* worker(folder, 1)
  yield* until(() => hasBegun(folder, last.pid))
  resumed.push((yield* Clock.currentTimeMillis) - from)
  yield* until(() => last.ready() === sessions)
  const all = notes(folder)
  const doubled = all.filter(([what]) => what === "doubled").length
  const done = all.filter(([what]) => what === "done").map(([, session, name]) => `${session} ${name}`)
  const traces = Fs.readdirSync(folder).filter((name) => /^s\d+\.\w+$/.test(name) && !name.endsWith(".stop"))
  return yield* report("session-kill", { "from a worker's start to its first step": resumed }, [
    { what: "sessions that ended ready", ratio: last.ready(), atLeast: sessions },
    { what: "steps that have left their trace", ratio: traces.length, atLeast: sessions * inOrder.length },
    { what: "steps whose effect is doubled", ratio: doubled + done.length - new Set(done).size, atMost: 0 },
    { what: "steps that a kill has cut", ratio: cut.reduce((sum, count) => sum + count, 0), atLeast: kills }
  ])
})
