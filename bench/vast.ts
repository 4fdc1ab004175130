/**
 * 200 instances brought up at once by one process, from waiting for them to a URL that answers: with a service that refuses
 * calls which come faster than it says, and that takes its time. Each is a real SSH server with a real app and a tunnel.
 */
import { Clock, Effect, FileSystem, Redacted, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import type { SshServer } from "@toehold/lab/SshServer"
import * as VastSimulator from "@toehold/lab/VastSimulator"
import { report } from "./report.ts"

const count = Number(process.env["TOEHOLD_BENCH_INSTANCES"] ?? 200)

/** Left to itself Node keeps garbage as long as the computer has room for it. */
const heap = "--max-old-space-size=128"

/** Milliseconds: about what it takes on the real service, shortened. */
const delays = { status: 2000, load: 20_000, ssh: 5000, keys: 10_000 }

/** The first of as many ports; what an instance serves is on this computer's own address. */
const firstPort = 21_000

const Said = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ event: Schema.Literal("ready"), id: Schema.Int, url: Schema.String }),
    Schema.Struct({ event: Schema.Literal("failed"), id: Schema.Int, message: Schema.String }),
    Schema.Struct({
      event: Schema.Literal("end"),
      /** Of each instance: from its login to its URL, and the longest time without a word about it. */
      work: Schema.Array(Schema.Finite),
      silences: Schema.Array(Schema.Finite),
      megabytes: Schema.Finite
    })
  ])
)

export const vast = Effect.fnUntraced(function* (server: SshServer) {
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const simulator = yield* VastSimulator.make({
    intervals: "documented",
    publicKeys: [server.key.publicKey],
    delays
  })
  const instances = yield* Effect.forEach(
    Array.from({ length: count }),
    () => simulator.rent({ addresses: "direct", workspace: "home" }),
    { concurrency: 8 }
  )
  // In a file, for the arguments of a process are everybody's to read.
  const plan = `${server.tempDir}/vast.json`
  yield* fs.writeFileString(
    plan,
    JSON.stringify({
      url: simulator.url,
      apiKey: Redacted.value(simulator.apiKey),
      edge: simulator.edge.url,
      key: server.privateKeyPath,
      publicKey: server.key.publicKey,
      fingerprint: server.key.fingerprint,
      instances: instances.map(({ id }, index) => ({ id, port: firstPort + index }))
    }),
    { mode: 0o600 }
  )
  const began = yield* Clock.currentTimeMillis
  const built = new URL("dist/vastChild.cjs", import.meta.url).pathname
  const child = ChildProcess.make(process.execPath, [heap, built, plan], {
    stderr: "inherit"
  })
  const ready: Array<number> = []
  const failed: Array<string> = []
  const end = yield* spawner.streamLines(child).pipe(
    Stream.mapEffect((line) => Schema.decodeEffect(Said)(line)),
    // What nobody needs any more makes room for the others.
    Stream.tap((said) => {
      if (said.event === "failed") failed.push(`${said.id}: ${said.message}`)
      if (said.event !== "ready") return Effect.void
      return Effect.andThen(
        Effect.map(Clock.currentTimeMillis, (now) => void ready.push(now - began)),
        simulator.order(said.id, "destroy")
      )
    }),
    Stream.runLast,
    Effect.orDie
  )
  const last = end._tag === "Some" && end.value.event === "end" ? end.value : undefined
  for (const line of failed) yield* Effect.logError(line)
  const { megabytes = Infinity, silences = [Infinity], work = [Infinity] } = last ?? {}
  const refused = (yield* simulator.requests).filter(({ status }) => status === 429)
  const quick = yield* report(
    "vast",
    { "from the start to the URL": ready, "from a login to the URL": work, "longest time without a word": silences },
    [
      { what: "instances that were lost", ratio: count - ready.length, atMost: 0 },
      { what: "calls that were too fast for the service", ratio: refused.length, atMost: 0 },
      { what: "longest time without a word about one, in s", ratio: Math.max(...silences) / 1000, atMost: 20 }
    ]
  )
  const small = yield* report(
    "vast-memory",
    { "one process": [megabytes] },
    [{ what: "most memory, in MB", ratio: megabytes, atMost: 300 }],
    "MB"
  )
  return quick && small
})
