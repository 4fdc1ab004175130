import { expect, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import * as KernelMessages from "@toehold/serial-runner/KernelMessages"

const cut = (text: string, size: number) => {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

const split = Effect.fnUntraced(function* (text: string, size: number) {
  const pieces = yield* Stream.runCollect(KernelMessages.split(Stream.fromIterable(cut(text, size))))
  const kernel = pieces.flatMap((piece) => (piece._tag === "Kernel" ? [piece] : []))
  const texts = pieces.flatMap((piece) => (piece._tag === "Text" ? [piece.data] : []))
  return { kernel, text: Buffer.concat(texts).toString() }
})

const Word = Schema.Literals([
  "ls\r\n",
  "a[0]",
  "[",
  "[    ",
  "[ 1.2] no stamp\n",
  "é",
  "$ ",
  "[12",
  "\n",
  "[    1.123456]x\n"
])
const Message = Schema.Literals(["[    1.701005] eth0: up\r\n", "[12345.000001] \u001b[31mred\n", "[    0.000000] \n"])

it.effect.prop(
  "takes the kernel's lines out wherever they stand and wherever the stream is cut, and leaves every other byte",
  {
    parts: Schema.Array(Schema.Tuple([Word, Schema.Array(Message).check(Schema.isMaxLength(2))])),
    size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))
  },
  ({ parts, size }) =>
    Effect.gen(function* () {
      // A word that looks like the beginning of a stamp would swallow the one that follows it.
      const safe = parts.map(([word, messages]) => [`${word};`, messages] as const)
      const found = yield* split(safe.map(([word, messages]) => word + messages.join("")).join(""), size)
      expect(found.text).toBe(safe.map(([word]) => word).join(""))
      expect(found.kernel.length).toBe(safe.flatMap(([, messages]) => messages).length)
    })
)

it.effect("gives the time and the words of a message", () =>
  Effect.gen(function* () {
    const { kernel, text } = yield* split("half a li[   60.003321] usb 1-1: new device\r\nne\r\n", 4)
    expect(kernel).toEqual([{ _tag: "Kernel", seconds: 60.003321, message: "usb 1-1: new device" }])
    expect(text).toBe("half a line\r\n")
  })
)

it.effect("keeps a message whose end never comes as what it was", () =>
  Effect.gen(function* () {
    expect(yield* split("x[    1.000000] cut of", 5)).toEqual({ kernel: [], text: "x[    1.000000] cut of" })
    const long = `[    1.000000] ${"y".repeat(5000)}`
    expect((yield* split(long, 100)).text).toBe(long)
  })
)
