/** 20 MB of output over a serial line: text mode, checked mode, and `cat` read raw from the same kind of line. */
import { Effect, FileSystem } from "effect"
import type { SerialShell } from "@toehold/serial-runner/SerialShell"
import { ratioOf, report } from "./report.ts"
import { rounds } from "./rounds.ts"
import * as Channel from "./serialChannel.ts"

const large = 20_000_000
const small = large / 10

const contents = (bytes: number): string =>
  Array.from({ length: bytes / 100 }, (_, line) => `${String(line).padStart(99, "abcdefghij")}\n`).join("")

const tenTimes = <A>(effect: Effect.Effect<A>) => Effect.repeat(effect, { times: 9 })

export const serialOutput = Effect.fnUntraced(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "toehold-bench-" }))
  yield* Effect.orDie(fs.writeFileString(`${folder}/large`, contents(large)))
  yield* Effect.orDie(fs.writeFileString(`${folder}/small`, contents(small)))
  const shell = yield* Channel.shellOf(yield* Channel.bash)
  const raw = yield* Channel.consoleOf(yield* Channel.bash)
  yield* Channel.typeUntil(raw, "stty -echo -opost; echo rea''dy\n", (tail) => tail.includes("ready"))

  const cat = (name: string, bytes: number) =>
    Channel.typeUntil(
      raw,
      `cat ${folder}/${name}; echo e''nd\n`,
      (tail, total) => total > bytes && tail.includes("end")
    )
  const read = (run: SerialShell["Service"]["run"], name: string, bytes: number, mode: "text" | "checked") =>
    Effect.flatMap(Effect.orDie(run(`cat ${folder}/${name}`, { mode, maxOutput: 2 * large })), ({ stdout }) =>
      stdout.totalBytes === bytes ? Effect.void : Effect.die(new Error(`${stdout.totalBytes} bytes came`))
    )
  const figures = yield* rounds<never>(
    [
      { name: "cat, read raw", run: cat("large", large) },
      { name: "toehold, text", run: read(shell.run, "large", large, "text") },
      { name: "toehold, checked", run: read(shell.run, "large", large, "checked") },
      { name: "toehold, text, 10 x 2 MB", run: tenTimes(read(shell.run, "small", small, "text")) }
    ],
    { count: 5, warmup: 1 }
  )
  return yield* report("serial-output", figures, [
    { what: "rate of text / cat", ratio: 1 / ratioOf(figures, "toehold, text", "cat, read raw"), atLeast: 0.9 },
    { what: "rate of checked / cat", ratio: 1 / ratioOf(figures, "toehold, checked", "cat, read raw"), atLeast: 0.6 },
    {
      what: "20 MB / 10 x 2 MB",
      ratio: ratioOf(figures, "toehold, text", "toehold, text, 10 x 2 MB"),
      atMost: 1.2
    }
  ])
})
