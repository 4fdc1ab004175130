/** How a process ends: by itself, by a signal, by a kill. */
import { assert } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { ChildProcess } from "effect/process"
import { awaitGone, drain, fails, type Group, isAlive, lineReader, run, sh, soon } from "./machine.ts"

/** Says so when it can be signalled, for a signal may come before a shell has set its trap. */
const ready = Effect.fnUntraced(function* (script: string, options: ChildProcess.CommandOptions = {}) {
  const handle = yield* sh(script, [], options)
  const { next } = yield* lineReader(handle.stdout)
  assert.strictEqual(yield* soon(next), "ready")
  return { handle, next }
})

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    yield* effect
    return (yield* Clock.currentTimeMillis) - start
  })

export const endings: Group = (it) => {
  it.effect("has its own exit code", () =>
    Effect.gen(function* () {
      for (const code of [0, 1, 2, 77, 126, 127, 128, 137, 143, 255]) {
        assert.strictEqual((yield* run(sh(`exit ${code}`))).exitCode, code)
      }
    })
  )

  it.effect("has no exit code where a signal ends it", () =>
    Effect.gen(function* () {
      for (const signal of ["TERM", "KILL", "INT", "HUP", "USR1"]) {
        const error = yield* fails(run(sh(`kill -${signal} $$; sleep 600`)), "Unknown")
        assert.include(String(error.cause ?? error.reason.cause), `SIG${signal}`)
      }
    })
  )

  it.effect("has the process id that it has on its machine, and runs until it ends", () =>
    Effect.gen(function* () {
      const handle = yield* sh("echo $$; read -r go; exit 3")
      const { next } = yield* lineReader(handle.stdout)
      assert.strictEqual(yield* soon(next), String(handle.pid))
      assert.isTrue(yield* isAlive(handle.pid))
      assert.isTrue(yield* handle.isRunning)
      yield* handle.kill()
      assert.isFalse(yield* handle.isRunning)
      assert.isFalse(yield* isAlive(handle.pid))
    }).pipe(Effect.scoped)
  )

  it.effect("tells its end as often as it is asked, and to all who wait", () =>
    Effect.gen(function* () {
      const handle = yield* sh("sleep 0.2; exit 6")
      const both = yield* soon(Effect.all([handle.exitCode, handle.exitCode], { concurrency: 2 }))
      assert.deepStrictEqual([...both, yield* handle.exitCode].map(Number), [6, 6, 6])
      assert.isFalse(yield* handle.isRunning)
    }).pipe(Effect.scoped)
  )

  it.effect("is killed by SIGTERM, and by the signal that is asked for", () =>
    Effect.gen(function* () {
      for (const signal of [undefined, "SIGINT", "SIGKILL", "SIGHUP", "SIGUSR2"] as const) {
        const { handle } = yield* ready("echo ready; exec sleep 600")
        yield* soon(handle.kill(signal === undefined ? undefined : { killSignal: signal }))
        const error = yield* fails(soon(handle.exitCode), "Unknown")
        assert.include(String(error.reason.cause), signal ?? "SIGTERM")
      }
    }).pipe(Effect.scoped)
  )

  it.effect("may answer a signal with an exit code of its own, in its own time", () =>
    Effect.gen(function* () {
      const { handle, next } = yield* ready(
        "trap 'sleep 0.3; echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
      )
      const ms = yield* timed(soon(handle.kill()))
      assert.isAtLeast(ms, 250)
      assert.strictEqual(Number(yield* handle.exitCode), 7)
      assert.strictEqual(yield* soon(next), "bye")
    }).pipe(Effect.scoped)
  )

  it.effect("may outlast a signal, but not the one that comes after the time it is given", () =>
    Effect.gen(function* () {
      const { handle } = yield* ready("trap '' TERM; echo ready; while :; do sleep 0.05; done")
      const waiting = yield* Effect.forkChild(handle.kill())
      yield* Effect.sleep("300 millis")
      assert.isTrue(yield* handle.isRunning)
      yield* Fiber.interrupt(waiting)
      const ms = yield* timed(soon(handle.kill({ forceKillAfter: "300 millis" })))
      assert.isAtLeast(ms, 290)
      assert.include(String((yield* fails(handle.exitCode, "Unknown")).reason.cause), "SIGKILL")
    }).pipe(Effect.scoped)
  )

  it.effect("is not waited for longer than it takes to end", () =>
    Effect.gen(function* () {
      const { handle } = yield* ready("echo ready; exec sleep 600")
      const ms = yield* timed(soon(handle.kill({ killSignal: "SIGTERM", forceKillAfter: "30 seconds" })))
      assert.isBelow(ms, 10_000)
    }).pipe(Effect.scoped)
  )

  it.effect("can't be killed when it is gone", () =>
    Effect.gen(function* () {
      const handle = yield* sh(":")
      yield* drain(handle)
      yield* soon(handle.exitCode)
      yield* awaitGone([handle.pid])
      yield* fails(soon(handle.kill()), "Unknown")
      yield* fails(soon(handle.kill({ forceKillAfter: "1 second" })), "Unknown")
    }).pipe(Effect.scoped)
  )
}
