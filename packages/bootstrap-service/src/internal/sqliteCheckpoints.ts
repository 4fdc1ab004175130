import { Worker } from "node:worker_threads"
import { Effect, type Scope } from "effect"

/** Milliseconds between two looks at the log of the database. */
const pause = 1000

/** Runs on the thread, as CommonJS, with `file` and `pause`. */
const program = `
const { workerData } = require("node:worker_threads")
const { DatabaseSync } = require("node:sqlite")
const database = new DatabaseSync(workerData.file)
database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0")
const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
setInterval(() => {
  try {
    checkpoint.all()
  } catch {
    // Another time: the program's own connection does it where the log grows long.
  }
}, workerData.pause)
`

/** A thread has megabytes for itself unless it is told how little it needs. */
const resourceLimits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 }

/**
 * Moves what was written to the log of a database into its file (sqlite.org/wal.html, "Checkpointing"), on a thread of its own
 * until the scope closes: it waits for the disk, for up to tenths of a second, and the program needs not to. Where the
 * thread ends early nothing is lost: the program's own connection does the same when the log has grown.
 */
export const checkpoints = (file: string): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const thread = new Worker(program, {
          eval: true,
          name: "toehold-checkpoints",
          workerData: { file, pause },
          resourceLimits,
          // Nothing of what the program was started with is meant for it.
          argv: [],
          execArgv: [],
          env: {}
        })
        thread.on("error", () => undefined)
        thread.unref()
        return thread
      }),
      // What it is at is done first: it ends where it comes back from SQLite.
      (thread) => Effect.promise(() => thread.terminate())
    )
  )
