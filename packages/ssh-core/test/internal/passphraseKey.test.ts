import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { argon2, argon2Portable, bcrypt, bcryptLibrary } from "../../src/internal/key/passphraseKey.ts"

const passphrase = Buffer.from("pässword")
const salt = Buffer.from("0123456789abcdef")

it.effect("bcrypt gives what the library's own loop gives", () =>
  Effect.gen(function* () {
    const { default: library } = yield* bcryptLibrary
    for (const [length, rounds] of [
      [16, 1],
      [32, 2],
      [48, 2],
      [64, 1],
      [40, 3]
    ] as const) {
      const expected = new Uint8Array(length)
      library.pbkdf(passphrase, passphrase.length, salt, salt.length, expected, length, rounds)
      assert.deepStrictEqual(yield* bcrypt({ passphrase, salt, rounds, length }), expected)
    }
  })
)

it.live("bcrypt lets other fibers run and can be interrupted", () =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(bcrypt({ passphrase, salt, rounds: 2048, length: 48 }))
    yield* Effect.sleep("50 millis")
    yield* Fiber.interrupt(fiber)
  }).pipe(Effect.timeout("5 seconds"))
)

it.effect("Argon2 is the same with and without Node's own", () =>
  Effect.gen(function* () {
    for (const flavour of ["argon2d", "argon2i", "argon2id"] as const) {
      const options = { flavour, passphrase, salt, memory: 128, passes: 2, parallelism: 2, length: 80 }
      const portable = yield* argon2Portable(options)
      assert.strictEqual(Buffer.from(yield* argon2(options)).toString("hex"), Buffer.from(portable).toString("hex"))
    }
  })
)
