import { assert, describe, it } from "@effect/vitest"
import { CapturedOutput, empty } from "@toehold/ssh-core/CapturedOutput"
import { outputFields } from "../src/internal/outputDocument.ts"

const whole = (data: Uint8Array | string): CapturedOutput => {
  const head = Buffer.from(data)
  return new CapturedOutput({ head, tail: new Uint8Array(0), totalBytes: head.length, omittedBytes: 0 })
}

/** As the capture cuts: the first and the last bytes of a text. */
const cutOf = (text: string, head: number, tail: number): CapturedOutput => {
  const bytes = Buffer.from(text)
  return new CapturedOutput({
    head: bytes.subarray(0, head),
    tail: bytes.subarray(bytes.length - tail),
    totalBytes: bytes.length,
    omittedBytes: bytes.length - head - tail
  })
}

describe("outputFields", () => {
  it("is text where both streams are", () => {
    assert.deepStrictEqual(outputFields(whole("é\n"), empty), {
      stdout: "é\n",
      stderr: "",
      encoding: "utf8",
      stdoutBytes: 3,
      stderrBytes: 0,
      truncated: false
    })
  })

  it("is base64 where one of them isn't", () => {
    const fields = outputFields(whole("ok"), whole(Uint8Array.of(255)))
    assert.deepStrictEqual([fields.encoding, fields.stdout, fields.stderr], ["base64", "b2s=", "/w=="])
  })

  it("keeps text that was cut within characters as text, and counts the halves as cut", () => {
    const fields = outputFields(cutOf("aé-----éb", 2, 2), empty)
    assert.deepStrictEqual(fields, {
      stdout: "ab",
      stderr: "",
      encoding: "utf8",
      stdoutBytes: 11,
      stderrBytes: 0,
      truncated: true,
      omitted: { stdout: { offset: 1, bytes: 9 } }
    })
  })

  it("cuts nothing more off bytes that are no text", () => {
    const fields = outputFields(cutOf("aé-----éb", 2, 2), whole(Uint8Array.of(255)))
    assert.strictEqual(Buffer.from(fields.stdout, "base64").toString("latin1"), "a\xc3\xa9b")
    assert.deepStrictEqual(fields.omitted, { stdout: { offset: 2, bytes: 7 } })
  })
})
