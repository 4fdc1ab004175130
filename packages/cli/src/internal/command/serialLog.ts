/** `toehold serial log`: what a machine prints on its console. */
import { Effect, Stream } from "effect"
import * as KernelMessages from "@toehold/serial-runner/KernelMessages"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import type { SerialTarget } from "@toehold/serial-runner/SerialTarget"
import * as ExitCode from "../../ExitCode.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Handler } from "../commandSpec.ts"
import { decodeUtf8 } from "../outputDocument.ts"
import { plain, print, printJson } from "../print.ts"
import { portOf, takePart } from "../serialPort.ts"

const encode = (data: Uint8Array) => {
  const text = decodeUtf8(data)
  return text === undefined
    ? { data: Buffer.from(data).toString("base64"), encoding: "base64" }
    : { data: text, encoding: "utf8" }
}

const isEnd = ({ reason }: SerialError.SerialError): boolean => reason._tag === "PortClosed"

/** What the machine prints from now on, until the port ends as ports do: of the port's owner, where somebody has it. */
const printed = Effect.fnUntraced(function* (target: SerialTarget) {
  const { console, shared } = yield* takePart(target, "a log")
  return console === undefined
    ? shared.output
    : console.output().pipe(
        Stream.map(({ data }) => data),
        Stream.catchIf(isEnd, () => Stream.empty)
      )
})

export const log: Handler = (invocation) =>
  Effect.gen(function* () {
    const { target } = yield* portOf(invocation)
    const limit = yield* invocation.duration("for")
    const isJson = invocation.has("json")
    const { stdout } = yield* StandardStreams
    const output = yield* printed(target)
    const printing = invocation.has("kernel")
      ? KernelMessages.split(output).pipe(
          Stream.runForEach((piece) => {
            if (piece._tag !== "Kernel") return Effect.void
            const { message, seconds } = piece
            return isJson ? printJson({ seconds, message }) : print(`[${seconds.toFixed(6)}] ${plain(message)}\n`)
          })
        )
      : Stream.runForEach(output, (data) => (isJson ? printJson(encode(data)) : stdout(data)))
    yield* limit === undefined ? printing : Effect.timeoutOption(printing, limit)
    return ExitCode.done
  }).pipe(Effect.scoped)
