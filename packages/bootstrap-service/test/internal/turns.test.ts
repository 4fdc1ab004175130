import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope, Semaphore } from "effect"
import { takingTurns } from "../../src/internal/provision/turns.ts"
import type { LoginFailure, LoginRequest, OpenMachine } from "../../src/ProvisionAccess.ts"

const requestOf = (instance: number): LoginRequest => ({
  instance,
  address: { kind: "direct", host: "h", port: 1 },
  identity: { path: "k", keyType: "ssh-ed25519", fingerprint: "f", publicKey: "p" },
  renewHostKey: false
})

const denied: LoginFailure = { _tag: "Denied", tried: [], message: "no" }

/** Two turns, and a machine that says who is in. */
const scene = Effect.gen(function* () {
  const order: Array<number> = []
  let inside = 0
  let most = 0
  const turns = yield* Semaphore.make(2)
  const login = takingTurns(
    ({ instance }) =>
      Effect.gen(function* () {
        order.push(instance)
        inside++
        most = Math.max(most, inside)
        yield* Effect.addFinalizer(() => Effect.sync(() => void inside--))
        yield* Effect.yieldNow
        if (instance < 0) return yield* Effect.fail(denied)
        // Nothing is run on it here.
        return {} as OpenMachine
      }),
    turns
  )
  return { login: (instance: number) => login(requestOf(instance)), order, state: () => ({ inside, most }), turns }
})

describe("takingTurns", () => {
  it.effect("lets in so many at once, first come, first served, until each has closed its connection", () =>
    Effect.gen(function* () {
      const { login, order, state } = yield* scene
      const ids = Array.from({ length: 40 }, (_, index) => index)
      yield* Effect.forEach(ids, (id) => Effect.scoped(Effect.andThen(login(id), Effect.yieldNow)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(order, ids)
      assert.deepStrictEqual(state(), { inside: 0, most: 2 })
    })
  )

  it.effect("takes the turn back at once from who is refused", () =>
    Effect.gen(function* () {
      const { login, state, turns } = yield* scene
      const scope = yield* Scope.make()
      for (const id of [-1, -2, -3, -4]) {
        assert.strictEqual(yield* Effect.flip(Scope.provide(login(id), scope)), denied)
        assert.strictEqual(state().inside, 0)
      }
      yield* Scope.provide(login(1), scope)
      yield* Scope.provide(login(2), scope)
      assert.strictEqual(state().inside, 2)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* turns.take(2), 2)
    })
  )

  it.effect("has nobody wait for who gave up waiting", () =>
    Effect.gen(function* () {
      const { login, order } = yield* scene
      const done = yield* Deferred.make<void>()
      const stay = (id: number) => Effect.forkChild(Effect.scoped(Effect.andThen(login(id), Deferred.await(done))))
      const first = yield* stay(1)
      const second = yield* stay(2)
      const gone = yield* stay(3)
      const last = yield* stay(4)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(gone)
      yield* Deferred.succeed(done, undefined)
      yield* Effect.forEach([first, second, last], Fiber.join)
      assert.deepStrictEqual(order, [1, 2, 4])
    })
  )
})
