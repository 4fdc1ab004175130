import { assert, describe, it } from "@effect/vitest"
import { nearest } from "../src/internal/suggestion.ts"

describe("nearest", () => {
  it("finds what was probably meant, and nothing where nothing was", () => {
    const names = ["exec", "doctor", "keys", "hosts", "help", "completion"]
    const tried = ["exce", "docter", "host", "key", "EXEC", "x", "", "somethingelse", "e".repeat(10_000)]
    assert.deepStrictEqual(
      tried.map((word) => nearest(word, names)),
      ["exec", "doctor", "hosts", "keys", "exec", undefined, undefined, undefined, undefined]
    )
  })
})
