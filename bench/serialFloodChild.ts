/** Runs one command that prints so many bytes over a serial line, and prints the most memory that this process had, in MB. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import * as Channel from "./serialChannel.ts"

const [mode = "text", size = "0"] = process.argv.slice(2)

const flood = Effect.gen(function* () {
  const shell = yield* Channel.shellOf(yield* Channel.bash)
  const options = { mode: mode === "text" ? "text" : "checked", maxOutput: 65_536 } as const
  const { stdout } = yield* shell.run(`head -c ${size} /dev/zero`, options)
  if (stdout.totalBytes !== Number(size)) return yield* Effect.die(new Error(`${stdout.totalBytes} bytes came`))
  const [, kibibytes = "0"] = /^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? []
  process.stdout.write(`${((Number(kibibytes) * 1024) / 1e6).toFixed(1)}\n`)
})

await Effect.runPromise(Effect.scoped(flood).pipe(Effect.provide(NodeServices.layer)))
