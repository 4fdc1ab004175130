import { Stream } from "effect"

interface Held {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly length: number
}

const none: Held = { chunks: [], length: 0 }

/** Bytes cut anew into pieces of one size, the last one apart; copied only where a piece lies across two chunks. */
export const pieces =
  (size: number) =>
  <E, R>(self: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> =>
    Stream.mapAccumArray(
      self,
      () => none,
      (state: Held, arriving) => {
        const out: Array<Uint8Array> = []
        let held = [...state.chunks]
        let length = state.length
        for (const chunk of arriving) {
          let from = 0
          while (length + chunk.length - from >= size) {
            const to = from + size - length
            const tail = chunk.subarray(from, to)
            out.push(held.length === 0 ? tail : Buffer.concat([...held, tail]))
            held = []
            length = 0
            from = to
          }
          if (from < chunk.length) {
            held.push(chunk.subarray(from))
            length += chunk.length - from
          }
        }
        return [{ chunks: held, length }, out] as const
      },
      { onHalt: ({ chunks, length }) => (length === 0 ? [] : [Buffer.concat(chunks)]) }
    )
