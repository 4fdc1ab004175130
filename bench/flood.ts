/** 1 GB of output of one command: how fast, and in how much memory, each in a process of its own. */
import { Effect, FileSystem, Schema } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import * as Peers from "./peers.ts"
import { report } from "./report.ts"
import { median } from "./rounds.ts"

const size = 1_000_000_000
const count = 15
const Outcome = Schema.fromJsonString(Schema.Struct({ milliseconds: Schema.Finite, maxRssKiB: Schema.Finite }))

export const flood = Effect.fnUntraced(function* (server: SshServer) {
  const fs = yield* FileSystem.FileSystem
  const path = `${server.tempDir}/server.json`
  const { hostKeys, ...plain } = server
  const keys = hostKeys.map((key) => ({ ...key, blob: Buffer.from(key.blob).toString("base64") }))
  const { blob: _, ...key } = plain.key
  yield* fs.writeFileString(path, JSON.stringify({ ...plain, key, hostKeys: keys }), { mode: 0o600 })
  const child = new URL("floodChild.ts", import.meta.url).pathname
  const rates: Record<string, Array<number>> = { toehold: [], "raw ssh2, no-delay": [] }
  const memory: Record<string, Array<number>> = { toehold: [], "raw ssh2, no-delay": [] }
  for (let round = 0; round < count; round++) {
    for (const name of Object.keys(rates)) {
      const output = yield* Peers.program(process.execPath, [child, name, String(size), path])
      const { maxRssKiB, milliseconds } = yield* Schema.decodeEffect(Outcome)(output)
      rates[name]?.push(size / 1e6 / (milliseconds / 1000))
      memory[name]?.push((maxRssKiB * 1024) / 1e6)
    }
  }
  const ofMedians = median(rates["toehold"] ?? []) / median(rates["raw ssh2, no-delay"] ?? [])
  const fast = yield* report(
    "flood-rate",
    rates,
    [{ what: "toehold / raw ssh2", ratio: ofMedians, atLeast: 0.9 }],
    "MB/s"
  )
  const largest = Math.max(...(memory["toehold"] ?? []))
  const small = yield* report(
    "flood-memory",
    memory,
    [{ what: "most memory of toehold, in MB", ratio: largest, atMost: 120 }],
    "MB"
  )
  return fast && small
})
