/**
 * Times contenders against each other: in every round each of them runs once, in turn, so that a change in the machine's
 * speed meets all of them, and a ratio is taken of medians.
 */
import { Clock, Effect } from "effect"

export interface Contender<R> {
  readonly name: string
  readonly run: Effect.Effect<unknown, never, R>
}

/** Milliseconds of each counted round, by name. */
export type Figures = Readonly<Record<string, ReadonlyArray<number>>>

export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const start = yield* Clock.monotonicTimeNanos
    yield* effect
    return Number((yield* Clock.monotonicTimeNanos) - start) / 1e6
  })

/** Runs the rounds, after a few that don't count. */
export const rounds = Effect.fnUntraced(function* <R>(
  contenders: ReadonlyArray<Contender<R>>,
  options: { readonly count: number; readonly warmup: number }
): Effect.fn.Return<Figures, never, R> {
  const figures: Record<string, Array<number>> = {}
  for (let round = 0; round < options.warmup + options.count; round++) {
    for (const { name, run } of contenders) {
      const milliseconds = yield* timed(run)
      if (round >= options.warmup) (figures[name] ??= []).push(milliseconds)
    }
  }
  return figures
})

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
