/** The session API while a worker on SQLite has 1,000 sessions in flight: how long its calls take, and its memory. */
import { Effect, FileSystem, Redacted, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import * as SessionApiClient from "@toehold/session-api/SessionApiClient"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { report } from "./report.ts"
import { timed } from "./rounds.ts"

const inFlight = 1000
/** How long each session stays in flight, at least. */
const seconds = 90
/** Callers that ask one call after another, some 60 a second together. */
const callers = 4
const callsEach = 500
const pause = "50 millis"
/** Sessions whose events somebody reads all the while. */
const readers = 200

const quantile = (values: ReadonlyArray<number>, part: number): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length * part)] ?? Number.NaN

/** The most that a process has had of real memory, in MB (proc(5)). */
const peakOf = (pid: number): number => {
  const [, kilobytes = "NaN"] = /^VmHWM:\s+(\d+) kB$/m.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kilobytes) / 1024
}

const start = Effect.fnUntraced(function* (file: string) {
  const script = new URL("apiChild.ts", import.meta.url).pathname
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      ChildProcess.spawn(process.execPath, [script, file, String(inFlight + callsEach), String(seconds)], {
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (started) => Effect.sync(() => void started.kill("SIGKILL"))
  )
  const line = yield* Effect.callback<string>((resume) => {
    let printed = ""
    child.stdout.on("data", (data: Buffer) => {
      printed += data.toString()
      if (printed.includes("\n")) resume(Effect.succeed(printed))
    })
  })
  // Written by the program above.
  const { token, url } = JSON.parse(line) as { readonly token: string; readonly url: string }
  const client = yield* SessionApiClient.make({ url, token: Redacted.make(token) }).pipe(Effect.orDie)
  return { client, pid: child.pid ?? 0 }
})

const repoUrl = "https://example.com/a/b.git"

export const api = Effect.fnUntraced(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-api-" })
  const { client, pid } = yield* start(`${folder}/api.sqlite`)
  const figures: Record<string, Array<number>> = {}
  const measure = <A, E>(name: string, call: Effect.Effect<A, E>) =>
    timed(Effect.orDie(call)).pipe(
      Effect.map((milliseconds) => void (figures[name] ??= []).push(milliseconds)),
      Effect.andThen(Effect.sleep(pause))
    )
  const names = Array.from({ length: inFlight }, (_, index) => index)
  yield* Effect.forEach(
    names,
    (index) => Effect.orDie(client.create({ id: `s${index}`, machine: `m${index}`, repoUrl })),
    {
      concurrency: callers,
      discard: true
    }
  )
  yield* Effect.forEach(
    names.slice(0, readers),
    (index) => Effect.forkScoped(Effect.ignore(Stream.runDrain(client.watch(`s${index}`)))),
    { discard: true }
  )
  // Until all of them wait, and all streams are open: what is measured is not their beginning.
  yield* Effect.sleep("5 seconds")
  const caller = (own: number) =>
    Effect.forEach(
      Array.from({ length: callsEach }, (_, index) => index),
      (index) => {
        const id = `s${(index * callers + own) % inFlight}`
        switch (index % 10) {
          case 0:
            return measure("list 50", client.list({ status: "creating" }))
          case 1:
            return own === 0
              ? measure("create", client.create({ machine: `m${inFlight + index}`, repoUrl }))
              : Effect.void
          default:
            return measure("get", client.get(id))
        }
      },
      { discard: true }
    )
  yield* Effect.forEach(
    Array.from({ length: callers }, (_, index) => index),
    caller,
    { concurrency: "unbounded", discard: true }
  )
  const last = yield* Effect.orDie(client.get(`s0`))
  const all = Object.values(figures).flat()
  const fast = yield* report("api", figures, [
    {
      what: "sessions that were in flight to the end, 1 for all",
      ratio: last.status === "creating" ? 1 : 0,
      atLeast: 1
    },
    { what: "ms for a call, 99th of 100", ratio: quantile(all, 0.99), atMost: 50 }
  ])
  const peak = peakOf(pid)
  const small = yield* report(
    "api-memory",
    { "the worker, at its peak": [peak] },
    [{ what: "MB of the worker", ratio: peak, atMost: 512 }],
    "MB"
  )
  return fast && small
}, Effect.provide(FetchHttpClient.layer))
