import { Deferred, Effect, Exit, Fiber, Stream } from "effect"
import type { Instance } from "../Instance.ts"
import type { VastError } from "../VastError.ts"

type Look = Deferred.Deferred<Instance, VastError>

/** A call for one instance may be made each second, one for a page of the list every other. */
const callsForPage = 2

/**
 * Gives everyone who looks at an instance what it was after they asked. Who asks while others are answered waits for the
 * next round; a round takes one call for each instance, or the list where that is less. Rounds go on as long as anyone
 * waits, whoever comes and goes.
 */
export const make = (
  show: (id: number) => Effect.Effect<Instance, VastError>,
  pages: Stream.Stream<ReadonlyArray<Instance>, VastError>
): ((id: number) => Effect.Effect<Instance, VastError>) => {
  const waiting = new Map<number, Set<Look>>()
  let lookers = 0
  let pageCount = 1
  let rounds: Fiber.Fiber<void> | undefined

  const round = Effect.suspend(() => {
    const open = new Map(waiting)
    waiting.clear()
    const answer = (id: number, exit: Exit.Exit<Instance, VastError>): void => {
      for (const look of open.get(id) ?? []) Deferred.doneUnsafe(look, exit)
      open.delete(id)
    }
    const ask = (id: number) => Effect.map(Effect.exit(show(id)), (exit) => answer(id, exit))
    const each = Effect.suspend(() => Effect.forEach([...open.keys()], ask, { discard: true }))
    const all = Effect.gen(function* () {
      let count = 0
      yield* Stream.runForEach(pages, (page) =>
        Effect.sync(() => {
          count += 1
          for (const instance of page) answer(instance.id, Exit.succeed(instance))
        })
      )
      pageCount = Math.max(1, count)
      // The list may lag behind: that an instance isn't there proves nothing.
      yield* each
    })
    return Effect.matchCause(open.size > pageCount * callsForPage ? all : each, {
      onSuccess: () => {},
      onFailure: (cause) => {
        for (const id of open.keys()) answer(id, Exit.failCause(cause))
      }
    })
  })

  const untilNobodyWaits: Effect.Effect<void> = Effect.suspend(() => {
    if (waiting.size > 0) return Effect.andThen(round, untilNobodyWaits)
    rounds = undefined
    return Effect.void
  })

  const leave = (id: number, look: Look): Effect.Effect<void> =>
    Effect.suspend(() => {
      const looks = waiting.get(id)
      looks?.delete(look)
      if (looks?.size === 0) waiting.delete(id)
      lookers -= 1
      const idle = lookers === 0 ? rounds : undefined
      if (idle === undefined) return Effect.void
      rounds = undefined
      return Fiber.interrupt(idle)
    })

  return (id) =>
    Effect.suspend(() => {
      const look: Look = Deferred.makeUnsafe()
      lookers += 1
      const looks = waiting.get(id)
      if (looks === undefined) waiting.set(id, new Set([look]))
      else looks.add(look)
      const begin = Effect.suspend(() => {
        if (rounds !== undefined) return Effect.void
        // Those who ask at the same time get to ask before the first round begins.
        return Effect.map(Effect.forkDetach(Effect.andThen(Effect.yieldNow, untilNobodyWaits)), (fiber) => {
          rounds = fiber
        })
      })
      return Effect.andThen(begin, Deferred.await(look)).pipe(Effect.ensuring(leave(id, look)))
    })
}
