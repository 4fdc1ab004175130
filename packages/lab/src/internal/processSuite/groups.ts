/** What else a process has started, and what becomes of all of it. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import type { ChildProcess } from "effect/process"
import { awaitGone, collect, drain, firstNumbers, type Group, isAlive, sh, soon } from "./machine.ts"

/** A process with a child and a grandchild, all of which wait for ever; their process ids. */
const family = Effect.fnUntraced(function* (before = "", options: ChildProcess.CommandOptions = {}) {
  const child = `sh -c "${before} sleep 600 & echo \\$! \\$\\$ | tr ' ' '\\n'; wait"`
  const handle = yield* sh(`${before} echo $$; ${child} & wait; wait; sleep 600`, [], options)
  const pids = yield* soon(firstNumbers(handle.stdout, 3))
  assert.strictEqual(pids[0], handle.pid)
  for (const pid of pids) assert.isTrue(yield* isAlive(pid))
  return { handle, pids }
})

const inOwnScope = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) {
  const scope = yield* Scope.make()
  const value = yield* Scope.provide(effect, scope)
  return { value, close: Scope.close(scope, Exit.void) }
})

/** A process that was let go of, which is taken back if it is said so. */
const letGo = (back: boolean) =>
  inOwnScope(
    Effect.gen(function* () {
      const handle = yield* sh("echo $$; exec sleep 600")
      yield* soon(firstNumbers(handle.stdout, 1))
      const reref = yield* handle.unref
      if (back) yield* reref
      return handle
    })
  )

export const groups: Group = (it) => {
  it.effect("ends with its scope, and all that it has started", () =>
    Effect.gen(function* () {
      const { close, value } = yield* inOwnScope(family())
      yield* soon(close)
      yield* soon(awaitGone(value.pids))
    }).pipe(Effect.scoped)
  )

  it.effect("is killed with all that it has started", () =>
    Effect.gen(function* () {
      const { handle, pids } = yield* family()
      yield* soon(handle.kill({ killSignal: "SIGINT", forceKillAfter: "500 millis" }))
      yield* soon(awaitGone(pids))
      const other = yield* family()
      yield* soon(other.handle.kill())
      yield* soon(awaitGone(other.pids))
    }).pipe(Effect.scoped)
  )

  it.effect("ends with its scope though it ignores the signal, when it is told how long it may take", () =>
    Effect.gen(function* () {
      const options = { killSignal: "SIGTERM", forceKillAfter: "300 millis" } as const
      const { close, value } = yield* inOwnScope(family("trap '' TERM;", options))
      yield* soon(close)
      yield* soon(awaitGone(value.pids))
    }).pipe(Effect.scoped)
  )

  it.effect("ends with its scope by the signal that it was started with", () =>
    Effect.gen(function* () {
      const script = "trap 'exit 5' USR1; trap '' TERM; echo $$; while :; do sleep 0.05; done"
      const { close, value } = yield* inOwnScope(
        Effect.gen(function* () {
          const handle = yield* sh(script, [], { killSignal: "SIGUSR1" })
          yield* soon(firstNumbers(handle.stdout, 1))
          return handle
        })
      )
      yield* soon(close)
      assert.strictEqual(Number(yield* soon(value.exitCode)), 5)
    }).pipe(Effect.scoped)
  )

  it.effect("ends when who waits for it is interrupted", () =>
    Effect.gen(function* () {
      const pids: Array<number> = []
      const running = yield* Effect.forkChild(
        Effect.scoped(
          Effect.gen(function* () {
            const started = yield* family()
            pids.push(...started.pids)
            return yield* started.handle.exitCode
          })
        )
      )
      while (pids.length === 0) yield* Effect.sleep("20 millis")
      yield* soon(Fiber.interrupt(running))
      yield* soon(awaitGone(pids))
    })
  )

  it.effect("leaves nothing behind that it started before it ended well, once its scope ends", () =>
    Effect.gen(function* () {
      const { close, value } = yield* inOwnScope(
        Effect.gen(function* () {
          const handle = yield* sh("sleep 600 >/dev/null 2>&1 & echo $!; exit 0")
          const [pid = 0] = yield* soon(firstNumbers(handle.stdout, 1))
          assert.strictEqual(Number(yield* soon(handle.exitCode)), 0)
          assert.isTrue(yield* isAlive(pid))
          return pid
        })
      )
      yield* soon(close)
      yield* soon(awaitGone([value]))
    })
  )

  it.effect("leaves nothing behind once it ended badly", () =>
    Effect.gen(function* () {
      // The child holds the output open, which ends with it.
      const handle = yield* sh("sleep 600 & echo $!; exit 3")
      const pid = Number.parseInt((yield* soon(collect(handle.stdout))).toString(), 10)
      assert.strictEqual(Number(yield* soon(handle.exitCode)), 3)
      yield* soon(awaitGone([pid]))
    }).pipe(Effect.scoped)
  )

  it.effect("alone is signalled where it is not detached", () =>
    Effect.gen(function* () {
      const script = "trap 'exit 8' TERM; sleep 600 >/dev/null 2>&1 & echo $!; while :; do sleep 0.05; done"
      const handle = yield* sh(script, [], { detached: false })
      const [child = 0] = yield* soon(firstNumbers(handle.stdout, 1))
      yield* soon(handle.kill())
      assert.strictEqual(Number(yield* handle.exitCode), 8)
      assert.isTrue(yield* isAlive(child))
      const cleaner = yield* sh('kill -KILL "$1"', [String(child)])
      yield* soon(cleaner.exitCode)
      yield* soon(awaitGone([child]))
    }).pipe(Effect.scoped)
  )

  it.effect("outlives its scope when it is let go, and not when that is taken back", () =>
    Effect.gen(function* () {
      const free = yield* letGo(false)
      yield* soon(free.close)
      yield* Effect.sleep("200 millis")
      assert.isTrue(yield* isAlive(free.value.pid))
      yield* drain(free.value)
      yield* soon(free.value.kill())
      yield* soon(awaitGone([free.value.pid]))
      const bound = yield* letGo(true)
      yield* soon(bound.close)
      yield* soon(awaitGone([bound.value.pid]))
    })
  )
}
