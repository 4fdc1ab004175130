/**
 * A worker for tests that kill it: `workerProgram.ts DATABASE FOLDER SESSIONS STEP_MS`. It creates the sessions that are
 * not there yet, runs what there is, and prints `ready N` when N sessions are. The steps leave their traces in the folder.
 */
import { appendFileSync, existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Logger, Result } from "effect"
import * as BootstrapError from "../../src/BootstrapError.ts"
import * as Database from "../../src/Database.ts"
import * as SessionEngine from "../../src/SessionEngine.ts"
import * as Sessions from "../../src/Sessions.ts"
import { SessionStore } from "../../src/SessionStore.ts"
import * as SqlStore from "../../src/SqlStore.ts"
import { configOf, fakeMachines } from "./fakeMachines.ts"

const [, , databaseText = "", folder = "", sessionsText = "", stepText = "10"] = process.argv
const count = Number(sessionsText)
const database = Result.getOrThrow(Database.parse(databaseText))

/** Looks first and does then, as real steps do: who does it at the same time as another finds the trace of that. */
const act = (step: string, { sessionId }: { readonly sessionId: string }) =>
  Effect.gen(function* () {
    const note = (what: string) => appendFileSync(join(folder, "log"), `${what} ${sessionId} ${step} ${process.pid}\n`)
    const trace = join(folder, `${sessionId}.${step}`)
    note("begin")
    if (existsSync(trace)) return
    yield* Effect.sleep(Math.random() * 2 * Number(stepText))
    yield* Effect.try({
      try: () => writeFileSync(trace, String(process.pid), { flag: "wx" }),
      catch: () => {
        note("doubled")
        return BootstrapError.make(
          new BootstrapError.StepCrashed({ step: "machine", detail: "somebody else did it at the same time" })
        )
      }
    })
    note("done")
  })

const program = Effect.gen(function* () {
  const sessions = yield* Sessions.Sessions
  const store = yield* SessionStore
  const ids = Array.from({ length: count }, (_, at) => `s${at}`)
  yield* Effect.forEach(ids, (id) => Effect.ignore(sessions.create({ config: configOf(id) })), {
    concurrency: "unbounded"
  })
  yield* Effect.sync(() => process.stdout.write("created\n"))
  while (true) {
    const { sessions: ready } = yield* store.list({ status: "ready", limit: 500 })
    yield* Effect.sync(() => process.stdout.write(`ready ${ready.length}\n`))
    yield* Effect.sleep(100)
  }
})

const layer = Sessions.layerWith({ sweepInterval: "1 second" }).pipe(
  Layer.provideMerge([SqlStore.layer, fakeMachines(act), SessionEngine.layer(database)]),
  Layer.provideMerge(Database.layer(database))
)

NodeRuntime.runMain(Effect.provideService(Effect.provide(program, layer), Logger.LogToStderr, true))
