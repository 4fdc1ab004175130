/**
 * 200 instances waited for at once, by one process, until each lets in over SSH: with a service that refuses calls which
 * come faster than it says, and that takes its time.
 */
import { Clock, Effect, FileSystem, Redacted, Schema } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import type { SshServer } from "@toehold/lab/SshServer"
import * as VastSimulator from "@toehold/lab/VastSimulator"
import { report } from "./report.ts"
import { median } from "./rounds.ts"

const count = 200

/** Milliseconds: about what it takes on the real service, shortened. */
const delays = { status: 2000, load: 20_000, ssh: 5000, keys: 10_000 }

const Said = Schema.fromJsonString(
  Schema.Struct({
    /** When each instance let in, in milliseconds since 1970, by id. */
    ready: Schema.Record(Schema.String, Schema.Finite),
    failed: Schema.Array(Schema.String),
    megabytes: Schema.Finite
  })
)

export const vast = Effect.fnUntraced(function* (server: SshServer) {
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const simulator = yield* VastSimulator.make({
    servers: "in-process",
    intervals: "documented",
    publicKeys: [server.key.publicKey],
    delays
  })
  const instances = yield* Effect.forEach(
    Array.from({ length: count }),
    () => simulator.rent({ addresses: "direct" }),
    { concurrency: 8 }
  )
  const ids = instances.map(({ id }) => id)
  // In a file, for the arguments of a process are everybody's to read.
  const plan = `${server.tempDir}/vast.json`
  yield* fs.writeFileString(
    plan,
    JSON.stringify({ url: simulator.url, apiKey: Redacted.value(simulator.apiKey), key: server.privateKeyPath, ids }),
    { mode: 0o600 }
  )
  const child = new URL("vastChild.ts", import.meta.url).pathname
  const open = Effect.forEach(
    instances,
    ({ id, settled }) =>
      Effect.map(Effect.andThen(settled, Clock.currentTimeMillis), (at) => [String(id), at] as const),
    { concurrency: "unbounded" }
  )
  const run = spawner
    .string(ChildProcess.make(process.execPath, [child, plan], { stderr: "inherit" }))
    .pipe(Effect.flatMap(Schema.decodeEffect(Said)), Effect.orDie)
  const [opened, said] = yield* Effect.all([open, run], { concurrency: 2 })
  const late = opened.map(([id, at]) => (said.ready[id] ?? Number.POSITIVE_INFINITY) - at)
  const refused = (yield* simulator.requests).filter(({ status }) => status === 429)
  const quick = yield* report("vast", { "from letting in to being noticed": late }, [
    { what: "instances that were lost", ratio: count - Object.keys(said.ready).length, atMost: 0 },
    { what: "calls that were too fast for the service", ratio: refused.length, atMost: 0 },
    { what: "the last one's wait / the median", ratio: Math.max(...late) / median(late), atMost: 3 }
  ])
  const small = yield* report(
    "vast-memory",
    { "one process": [said.megabytes] },
    [{ what: "most memory, in MB", ratio: said.megabytes, atMost: 300 }],
    "MB"
  )
  return quick && small
})
