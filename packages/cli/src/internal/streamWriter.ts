/** A Node stream as an effect that writes and waits until the system has taken the bytes. */
import { Effect } from "effect"
import type { Writable } from "node:stream"

export const makeWriter = <E>(stream: Writable, failed: (code: string) => E) => {
  // A write that fails is told to its callback; without a listener the same error would end the process.
  stream.on("error", () => {})
  return (data: string | Uint8Array): Effect.Effect<void, E> =>
    Effect.callback<void, E>((resume) => {
      stream.write(data, (error: NodeJS.ErrnoException | null | undefined) =>
        resume(error ? Effect.fail(failed(error.code ?? error.message)) : Effect.void)
      )
    })
}
