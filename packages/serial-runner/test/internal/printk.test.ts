import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { CapturedOutput } from "@toehold/shell/CapturedOutput"
import { countMessages, withoutMessages } from "../../src/internal/printk.ts"

const message = "[   12.345678] usb 1-1: new device\r\n"
const Text = Schema.String
const At = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 }))

it.prop("takes messages out again, wherever they came", { text: Text, at: At }, ({ at, text }) => {
  const bytes = Buffer.from(text.replaceAll("[", ""))
  const disturbed = Buffer.concat([bytes.subarray(0, at), Buffer.from(message), bytes.subarray(at)])
  expect(withoutMessages(disturbed)).toEqual(bytes)
  const captured = new CapturedOutput({
    head: new Uint8Array(disturbed),
    tail: new Uint8Array(0),
    totalBytes: disturbed.length,
    omittedBytes: 0
  })
  expect(countMessages(captured)).toBe(1)
})
