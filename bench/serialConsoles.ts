/** Reading small files while eight consoles are open and silent: none of them may hold up a thread that files need. */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"
import * as Channel from "./serialChannel.ts"

const consoles = 8
const reads = 400

const readFiles = Effect.promise(async () => {
  for (let at = 0; at < reads; at += 4) {
    await Promise.all([0, 1, 2, 3].map(() => readFile(new URL(import.meta.url))))
  }
})

const reading = (name: string) => rounds<never>([{ name, run: readFiles }], { count: 15, warmup: 3 })

export const serialConsoles = Effect.fnUntraced(function* () {
  // Before and after, so that a change in the machine's speed meets both.
  const before = yield* reading("no console")
  const beside = yield* Effect.scoped(
    Effect.andThen(
      Effect.forEach(Array.from({ length: consoles }), () => Effect.flatMap(Channel.bash, Channel.shellOf), {
        concurrency: 2
      }),
      reading("eight consoles")
    )
  )
  const after = yield* reading("no console")
  const alone = [...(before["no console"] ?? []), ...(after["no console"] ?? [])]
  const figures = { ...beside, "no console": alone }
  return yield* report("serial-consoles", figures, [
    {
      what: `${reads} files, eight consoles / none`,
      ratio: ratioOf(figures, "eight consoles", "no console"),
      atMost: 1.25
    }
  ])
})
