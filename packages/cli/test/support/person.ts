/** A person who types, and sees what is shown. */
import { Effect, Queue, Stream } from "effect"
import type { Keyboard, TerminalSize } from "../../src/StandardStreams.ts"

/** A person at a terminal of 80 columns, and what happens to the terminal. */
export const person = Effect.gen(function* () {
  const typed = yield* Queue.unbounded<Uint8Array>()
  const sizes = yield* Queue.unbounded<TerminalSize>()
  const modes: Array<string> = []
  let shown = ""
  const keyboard: Keyboard = {
    raw: Effect.acquireRelease(
      Effect.sync(() => void modes.push("raw")),
      () => Effect.sync(() => void modes.push("as before"))
    ),
    keys: Stream.fromQueue(typed)
  }
  const sees = Effect.fnUntraced(function* (pattern: RegExp) {
    while (!pattern.test(shown)) yield* Effect.sleep("10 millis")
    shown = ""
  })
  return {
    modes,
    sees,
    types: (text: string) => Effect.sync(() => void Queue.offerUnsafe(typed, Buffer.from(text))),
    resizes: (columns: number, rows: number) => Effect.sync(() => void Queue.offerUnsafe(sizes, { columns, rows })),
    options: {
      platform: { env: { TERM: "vt220" } },
      terminal: { columns: 80, rows: 25 },
      resizes: Stream.fromQueue(sizes),
      keyboard,
      onStdout: (data: Uint8Array) => void (shown += Buffer.from(data).toString())
    }
  }
})
