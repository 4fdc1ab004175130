/**
 * Watching files where nobody tells of changes: the same question asked again and again, and what differs between two
 * answers.
 *
 * @since 0.1.0
 */
import { type Duration, Effect, type FileSystem, Stream } from "effect"

/**
 * What was there at one moment: paths as events are to name them, each with a text that differs when the entry does.
 *
 * @since 0.1.0
 * @category models
 */
export type Snapshot = ReadonlyMap<string, string>

/**
 * @since 0.1.0
 * @category models
 */
export interface Options<E, R> {
  /** Asks for what is there; nothing there is an empty answer, not a failure. */
  readonly snapshot: Effect.Effect<Snapshot, E, R>
  /** Time between an answer and the next question. */
  readonly interval: Duration.Input
  /** Called when the first answer has come: changes from then on are seen. */
  readonly onReady?: (() => void) | undefined
}

/**
 * What happened between two moments, in the order of the paths: an entry that came, went, or is another than it was.
 *
 * @since 0.1.0
 * @category combinators
 */
export const changes = (before: Snapshot, after: Snapshot): ReadonlyArray<FileSystem.WatchEvent> => {
  const events: Array<FileSystem.WatchEvent> = []
  for (const path of before.keys()) {
    if (!after.has(path)) events.push({ _tag: "Remove", path })
  }
  for (const [path, mark] of after) {
    const known = before.get(path)
    if (known !== mark) events.push({ _tag: known === undefined ? "Create" : "Update", path })
  }
  return events.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/**
 * The changes from now on, without an end. Fails as `snapshot` does.
 *
 * **Gotchas**
 *
 * What comes and goes between two questions is not seen, and neither is a change that leaves the mark of an entry as it
 * was.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(options: Options<E, R>): Stream.Stream<FileSystem.WatchEvent, E, R> =>
  options.snapshot.pipe(
    Effect.tap(() => Effect.sync(() => options.onReady?.())),
    Effect.map((first) =>
      Stream.flattenIterable(
        Stream.unfold(first, (before) =>
          Effect.map(
            Effect.delay(options.snapshot, options.interval),
            (after) => [changes(before, after), after] as const
          )
        )
      )
    ),
    Stream.unwrap
  )
