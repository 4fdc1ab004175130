/** 1 GB of output of one command over a serial line, in a process of its own: how much memory that takes. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { report } from "./report.ts"

const size = 1_000_000_000

const run = (mode: string): Effect.Effect<{ readonly megabytes: number; readonly seconds: number }> =>
  Effect.callback((resume) => {
    const child = new URL("serialFloodChild.ts", import.meta.url).pathname
    const start = process.hrtime.bigint()
    const running = spawn(process.execPath, [child, mode, String(size)], { stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    running.stdout.on("data", (chunk: Buffer) => void (text += chunk.toString()))
    running.once("close", (code) => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      resume(
        code === 0
          ? Effect.succeed({ megabytes: Number(text), seconds })
          : Effect.die(new Error(`it ended with ${code}`))
      )
    })
  })

export const serialFlood = Effect.fnUntraced(function* () {
  const memory: Record<string, Array<number>> = {}
  const rates: Record<string, Array<number>> = {}
  for (const mode of ["text", "checked"]) {
    const { megabytes, seconds } = yield* run(mode)
    memory[`toehold, ${mode}`] = [megabytes]
    rates[`toehold, ${mode}`] = [size / 1e6 / seconds]
  }
  yield* report("serial-flood-rate", rates, [], "MB/s")
  const largest = Math.max(...Object.values(memory).flat())
  return yield* report(
    "serial-flood-memory",
    memory,
    [{ what: "most memory for 1 GB, in MB", ratio: largest, atMost: 200 }],
    "MB"
  )
})
