/** Prints figures and ratios, and keeps the raw ones. */
import { Console, Effect, FileSystem } from "effect"
import * as Os from "node:os"
import { type Figures, median } from "./rounds.ts"

/** A ratio of two contenders that is to be at most, or at least, so much. */
export interface Target {
  readonly what: string
  readonly ratio: number
  readonly atMost?: number
  readonly atLeast?: number
}

/** The median of one contender over the median of another. */
export const ratioOf = (figures: Figures, name: string, to: string): number =>
  median(figures[name] ?? []) / median(figures[to] ?? [])

const isMet = ({ atLeast, atMost, ratio }: Target): boolean =>
  (atMost === undefined || ratio <= atMost) && (atLeast === undefined || ratio >= atLeast)

const bound = ({ atLeast, atMost }: Target): string =>
  atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`

const machine = (): string => `${Os.cpus().length} x ${Os.cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`

/** Prints a bench, writes `results/<name>.json`, and says whether every target was met. */
export const report = Effect.fnUntraced(function* (
  name: string,
  figures: Figures,
  targets: ReadonlyArray<Target>,
  unit = "ms"
) {
  yield* Console.log(`\n${name}`)
  for (const [contender, values] of Object.entries(figures)) {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    yield* Console.log(
      `  ${contender.padEnd(34)} median ${median(values).toFixed(2).padStart(9)} ${unit}   (${low.toFixed(2)} to ${high.toFixed(2)}, ${values.length} rounds)`
    )
  }
  for (const target of targets) {
    const verdict = isMet(target) ? "met" : "NOT MET"
    yield* Console.log(`  ${target.what}: ${target.ratio.toFixed(2)} (target: ${bound(target)}) ${verdict}`)
  }
  const fs = yield* FileSystem.FileSystem
  const folder = new URL("results/", import.meta.url).pathname
  const document = { name, machine: machine(), unit, targets: targets.map((t) => ({ ...t, met: isMet(t) })), figures }
  yield* fs.writeFileString(`${folder}${name}.json`, `${JSON.stringify(document, undefined, 1)}\n`)
  return targets.every(isMet)
})
