import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { SecretMask } from "../../src/internal/secretMask.ts"

const masked = (secrets: ReadonlyArray<string>, text: string, pieceLength: number): string => {
  const mask = new SecretMask(secrets)
  const bytes = Buffer.from(text)
  const parts: Array<Buffer> = []
  for (let at = 0; at < bytes.length; at += pieceLength) parts.push(mask.push(bytes.subarray(at, at + pieceLength)))
  return Buffer.concat([...parts, mask.end()]).toString()
}

const few = Schema.Literals(["a", "b", "ab", "é", "\n"])
const Text = Schema.Array(few)

describe("SecretMask", () => {
  it.prop(
    "replaces every occurrence, wherever the text is cut",
    { secret: Schema.NonEmptyArray(few), text: Text, cut: Schema.Literals([1, 2, 3, 1000]) },
    ({ cut, secret, text }) => {
      const word = `${secret.join("")}!`
      const whole = `${text.join("")}${word}${text.join(word)}.`
      assert.strictEqual(masked([word], whole, cut), whole.replaceAll(word, "[secret]"))
    },
    { arbitrary: { runs: 300 } }
  )

  it("takes the longer of two secrets that begin alike, and leaves others alone", () => {
    assert.strictEqual(
      masked(["pass", "password"], "a pass, a password, a pas", 3),
      "a [secret], a [secret], a [secret]"
    )
    assert.strictEqual(masked(["password", ""], "a pass", 2), "a [secret]")
    assert.strictEqual(masked(["password"], "a pas", 2), "a pas")
    assert.strictEqual(masked([], "as it is", 2), "as it is")
  })

  it("knows a line break as a terminal prints it", () => {
    assert.strictEqual(masked(["one\ntwo"], "one\r\ntwo, one\ntwo", 4), "[secret], [secret]")
  })

  it("needs no longer for a hostile text", () => {
    const begin = performance.now()
    masked([`${"a".repeat(4000)}b`], "a".repeat(1_000_000), 1000)
    assert.isBelow(performance.now() - begin, 3000)
  })
})
