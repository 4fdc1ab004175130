/** Logins by turns: whoever is in keeps the turn until the connection is closed, and whoever is refused gives it back. */
import { Effect, Exit, Scope, type Semaphore } from "effect"
import type { ProvisionAccess } from "../../ProvisionAccess.ts"

type Login = ProvisionAccess["Service"]["login"]

export const takingTurns =
  (login: Login, turns: Semaphore.Semaphore): Login =>
  (request) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const attempt = yield* Scope.fork(yield* Effect.scope)
        yield* restore(turns.take(1))
        yield* Scope.addFinalizer(attempt, turns.release(1))
        const exit = yield* Effect.exit(restore(Scope.provide(login(request), attempt)))
        if (Exit.isFailure(exit)) yield* Scope.close(attempt, exit)
        return yield* exit
      })
    )
