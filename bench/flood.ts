/** 1 GB of output of one command: how fast, and in how much memory, each in a process of its own. */
import { Effect, FileSystem } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { execWords } from "./program.ts"
import { report } from "./report.ts"
import { median } from "./rounds.ts"

const size = 1_000_000_000
const count = 15

interface Run {
  readonly megabytesPerSecond: number
  /** The most memory that was resident, in MB. */
  readonly megabytes: number
}

/** VmHWM of proc(5) only grows, so that the last reading before the end is close to the true peak. */
const peakOf = (pid: number): number => {
  try {
    const [, kibibytes = "0"] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return (Number(kibibytes) * 1024) / 1e6
  } catch {
    return 0
  }
}

/** A program from start to end, its output thrown away by the system. */
const runProgram = (words: ReadonlyArray<string>): Promise<Run> =>
  new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] })
    let megabytes = 0
    const watch = setInterval(() => {
      megabytes = Math.max(megabytes, peakOf(child.pid ?? 0))
    }, 10)
    child.once("exit", (code) => {
      clearInterval(watch)
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      if (code === 0) resolve({ megabytesPerSecond: size / 1e6 / seconds, megabytes })
      else reject(new Error(`${words.join(" ")} ended with ${code}`))
    })
  })

export const flood = Effect.fnUntraced(function* (server: SshServer) {
  const fs = yield* FileSystem.FileSystem
  const path = `${server.tempDir}/server.json`
  const { hostKeys, key, ...plain } = server
  const forChild = {
    ...plain,
    key: { privateKey: key.privateKey },
    hostKeys: hostKeys.map(({ blob }) => ({ blob: Buffer.from(blob).toString("base64") }))
  }
  yield* fs.writeFileString(path, JSON.stringify(forChild), { mode: 0o600 })
  const child = new URL("floodChild.ts", import.meta.url).pathname
  const contenders: Readonly<Record<string, ReadonlyArray<string>>> = {
    "toehold exec": execWords(server, "head", "-c", String(size), "/dev/zero"),
    "SshClient.exec": [child, "toehold", String(size), path],
    "raw ssh2, no-delay": [child, "raw", String(size), path]
  }
  const rates: Record<string, Array<number>> = {}
  const memory: Record<string, Array<number>> = {}
  for (let round = 0; round < count; round++) {
    for (const [name, words] of Object.entries(contenders)) {
      const { megabytes, megabytesPerSecond } = yield* Effect.promise(() => runProgram(words))
      ;(rates[name] ??= []).push(megabytesPerSecond)
      ;(memory[name] ??= []).push(megabytes)
    }
  }
  const against = (name: string) => median(rates[name] ?? []) / median(rates["raw ssh2, no-delay"] ?? [])
  const fast = yield* report(
    "flood-rate",
    rates,
    [
      { what: "toehold exec / raw ssh2", ratio: against("toehold exec"), atLeast: 0.9 },
      { what: "SshClient.exec / raw ssh2", ratio: against("SshClient.exec"), atLeast: 0.9 }
    ],
    "MB/s"
  )
  const largest = Math.max(...(memory["toehold exec"] ?? []))
  const small = yield* report(
    "flood-memory",
    memory,
    [{ what: "most memory of toehold exec, in MB", ratio: largest, atMost: 120 }],
    "MB"
  )
  return fast && small
})
