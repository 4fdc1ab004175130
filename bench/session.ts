/** What a session costs besides its machine's own work, and a thousand of them at once on one worker. */
import { Effect, FileSystem } from "effect"
import { program } from "./peers.ts"
import { report } from "./report.ts"
import { median } from "./rounds.ts"

const alone = 31
const together = 1000

const child = new URL("sessionChild.ts", import.meta.url).pathname

const run = (words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const said: Array<string> = []
    yield* Effect.tap(program(process.execPath, [child, ...words]), (text) => Effect.sync(() => said.push(text)))
    return said.join("").trim().split("\n").at(-1) ?? ""
  })

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN

export const session = Effect.fnUntraced(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-bench-" })
  // Both are written by the child.
  const one = JSON.parse(yield* run(["alone", `${folder}/alone.db`, String(alone)])) as {
    readonly figures: ReadonlyArray<number>
  }
  const isQuick = yield* report("session", { "a session whose steps do nothing": one.figures }, [
    { what: "own overhead of a session, ms", ratio: median(one.figures), atMost: 150 }
  ])
  const many = JSON.parse(yield* run(["together", `${folder}/together.db`, String(together)])) as {
    readonly megabytes: number
    readonly latencies: ReadonlyArray<number>
    readonly ready: number
  }
  const isSmall = yield* report(
    "session-memory",
    { "the worker at most": [many.megabytes] },
    [
      { what: "MB with 1,000 sessions in flight", ratio: many.megabytes, atMost: 512 },
      { what: "sessions that ended ready", ratio: many.ready, atLeast: together }
    ],
    "MB"
  )
  const isResponsive = yield* report("session-reading", { "a session and a page of 50 meanwhile": many.latencies }, [
    { what: "99th percentile, ms", ratio: percentile(many.latencies, 0.99), atMost: 50 }
  ])
  return isQuick && isSmall && isResponsive
})
