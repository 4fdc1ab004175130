/** The keys by which a person at a terminal speaks to this program instead of the machine, as ssh has them. */

import { Deferred, Effect, Stream } from "effect"
import type { Keyboard } from "../StandardStreams.ts"

const tilde = 0x7e
const dot = 0x2e
const isLineEnd = (byte: number): boolean => byte === 0x0d || byte === 0x0a

/**
 * After Enter, and at the beginning, `~.` asks to leave and `~~` is one `~`; everything else is the machine's. A `~` that
 * may be either is held back until the next key.
 */
export class EscapeKeys {
  #isLineStart = true
  #isHeld = false

  /** What is for the machine; `undefined` when the person leaves. */
  push(keys: Uint8Array): Uint8Array | undefined {
    const out: Array<number> = []
    for (const byte of keys) {
      if (this.#isHeld) {
        this.#isHeld = false
        if (byte === dot) return undefined
        this.#isLineStart = byte !== tilde && isLineEnd(byte)
        out.push(...(byte === tilde ? [tilde] : [tilde, byte]))
      } else if (byte === tilde && this.#isLineStart) {
        this.#isHeld = true
      } else {
        this.#isLineStart = isLineEnd(byte)
        out.push(byte)
      }
    }
    return Uint8Array.from(out)
  }
}

/** What a person types for the machine, and the moment in which the person leaves. */
export const keysUntilLeft = (keyboard: Keyboard) =>
  Effect.map(Deferred.make<void>(), (left) => {
    const escape = new EscapeKeys()
    return {
      keys: keyboard.keys.pipe(
        Stream.map((typed) => escape.push(typed)),
        Stream.tap((typed) => (typed === undefined ? Deferred.succeed(left, undefined) : Effect.void)),
        Stream.filter((typed) => typed !== undefined)
      ),
      left: Deferred.await(left)
    }
  })
