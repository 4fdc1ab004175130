import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Schedule } from "effect"
import { expect } from "vitest"
import { inOrder } from "../../src/SessionStep.ts"

const program = fileURLToPath(new URL("./workerProgram.ts", import.meta.url))

/** A line of the workers' log. */
export interface Note {
  readonly what: "begin" | "doubled" | "done"
  readonly session: string
  readonly step: string
  readonly pid: number
}

/** A worker in a process of its own. */
export interface Worker {
  readonly pid: number
  /** How many sessions it has seen ready, by what it printed last. */
  readonly ready: () => number
  /** What it said. */
  readonly said: () => string
  /** Its exit code, once it has ended by itself. */
  readonly ended: Effect.Effect<number | null>
  /** Ends it with a signal and waits for its end. */
  readonly kill: (signal: "SIGKILL" | "SIGTERM") => Effect.Effect<void>
}

/** A folder that workers leave their traces in; it goes with the scope. */
export const traces = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "toehold-sessions-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** What the workers have written down so far. */
export const notes = (folder: string): ReadonlyArray<Note> => {
  try {
    return readFileSync(join(folder, "log"), "utf8")
      .trimEnd()
      .split("\n")
      .flatMap((line) => {
        const [what, session = "", step = "", pid] = line.split(" ")
        return what === "begin" || what === "doubled" || what === "done"
          ? [{ what, session, step, pid: Number(pid) }]
          : []
      })
  } catch {
    return []
  }
}

const ended = (child: ChildProcess) =>
  Effect.callback<number | null>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.succeed(child.exitCode))
    child.once("close", (code) => resume(Effect.succeed(code)))
  })

/** Starts a worker, which is killed when the scope closes. */
export const start = (database: string, folder: string, sessions: number, stepMillis: number) =>
  Effect.acquireRelease(
    Effect.sync((): Worker => {
      const args = [program, database, folder, String(sessions), String(stepMillis)]
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
      let ready = 0
      let said = ""
      child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()))
      child.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString()
        for (const [, count] of chunk.toString().matchAll(/^ready (\d+)$/gm)) ready = Number(count)
      })
      return {
        pid: child.pid ?? 0,
        ready: () => ready,
        said: () => said,
        ended: ended(child),
        kill: (signal) =>
          Effect.andThen(
            Effect.sync(() => child.kill(signal)),
            ended(child)
          )
      }
    }),
    (worker) => worker.kill("SIGKILL")
  )

/** Waits until something is so. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.repeat(Effect.sync(isSo), {
    until: (so) => so,
    schedule: Schedule.spaced("20 millis")
  }).pipe(Effect.asVoid)

/** Every step of every session has left its trace, and none was done twice or by two at a time. */
export const expectWhole = (folder: string, sessions: number): void => {
  const log = notes(folder)
  expect(log.filter(({ what }) => what === "doubled")).toEqual([])
  const done = log.filter(({ what }) => what === "done").map(({ session, step }) => `${session} ${step}`)
  expect(new Set(done).size).toBe(done.length)
  // A worker may be killed between leaving a trace and noting it.
  const left = readdirSync(folder).filter((name) => /^s\d+\.\w+$/.test(name) && !name.endsWith(".stop"))
  expect(left).toHaveLength(sessions * inOrder.length)
}
