import { Deferred, Effect, Exit, Semaphore, Stream } from "effect"
import type { Instance } from "../Instance.ts"
import type { VastError } from "../VastError.ts"

type Look = Deferred.Deferred<Instance, VastError>

/** A call for one instance may be made each second, one for a page of the list every other. */
const callsForPage = 2

/**
 * Gives everyone who looks at an instance what it was after they asked. Who asks while others are answered waits for the
 * next round; a round takes one call for each instance, or the list where that is less.
 */
export const make = (
  show: (id: number) => Effect.Effect<Instance, VastError>,
  pages: Stream.Stream<ReadonlyArray<Instance>, VastError>
): ((id: number) => Effect.Effect<Instance, VastError>) => {
  const turn = Semaphore.makeUnsafe(1)
  const waiting = new Map<number, Set<Look>>()
  let pageCount = 1

  const add = (id: number, look: Look): void => {
    const looks = waiting.get(id)
    if (looks === undefined) waiting.set(id, new Set([look]))
    else looks.add(look)
  }
  const remove = (id: number, look: Look): void => {
    const looks = waiting.get(id)
    looks?.delete(look)
    if (looks?.size === 0) waiting.delete(id)
  }

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
    }).pipe(
      Effect.catch((error) =>
        Effect.sync(() => {
          for (const id of open.keys()) answer(id, Exit.fail(error))
        })
      )
    )
    return (open.size > pageCount * callsForPage ? all : each).pipe(
      // Who led the round went away: the next one takes over.
      Effect.ensuring(
        Effect.sync(() => {
          for (const [id, looks] of open) for (const look of looks) add(id, look)
        })
      )
    )
  })

  return (id) =>
    Effect.suspend(() => {
      const look: Look = Deferred.makeUnsafe()
      add(id, look)
      // Those who ask at the same time get to ask before the round begins.
      const lead = turn.withPermits(1)(
        Effect.suspend(() => (Deferred.isDoneUnsafe(look) ? Effect.void : Effect.andThen(Effect.yieldNow, round)))
      )
      return Effect.andThen(lead, Deferred.await(look)).pipe(Effect.ensuring(Effect.sync(() => remove(id, look))))
    })
}
