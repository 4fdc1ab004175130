/** `toehold serial log`: what a machine prints on its console. */
import { Effect, Stream } from "effect"
import * as KernelMessages from "@toehold/serial-runner/KernelMessages"
import type { SerialConsole } from "@toehold/serial-runner/SerialConsole"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as ExitCode from "../../ExitCode.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Handler } from "../commandSpec.ts"
import { decodeUtf8 } from "../outputDocument.ts"
import { plain, print, printJson } from "../print.ts"
import { portOf } from "../serialPort.ts"

const encode = (data: Uint8Array) => {
  const text = decodeUtf8(data)
  return text === undefined
    ? { data: Buffer.from(data).toString("base64"), encoding: "base64" }
    : { data: text, encoding: "utf8" }
}

/** What it prints from now on, until the port ends as ports do. */
const printed = (console: SerialConsole["Service"]) => console.output().pipe(Stream.catchIf(isEnd, () => Stream.empty))

const isEnd = ({ reason }: SerialError.SerialError): boolean => reason._tag === "PortClosed"

export const log: Handler = (invocation) =>
  Effect.gen(function* () {
    const { target } = yield* portOf(invocation)
    const limit = yield* invocation.duration("for")
    const isJson = invocation.has("json")
    const { stdout } = yield* StandardStreams
    const hub = yield* SerialHub.make()
    const console = yield* hub.console(target)
    const printing = invocation.has("kernel")
      ? KernelMessages.split(Stream.map(printed(console), ({ data }) => data)).pipe(
          Stream.runForEach((piece) => {
            if (piece._tag !== "Kernel") return Effect.void
            const { message, seconds } = piece
            return isJson ? printJson({ seconds, message }) : print(`[${seconds.toFixed(6)}] ${plain(message)}\n`)
          })
        )
      : Stream.runForEach(printed(console), ({ data, offset }) =>
          isJson ? printJson({ offset, ...encode(data) }) : stdout(data)
        )
    yield* limit === undefined ? printing : Effect.timeoutOption(printing, limit)
    return ExitCode.done
  }).pipe(Effect.scoped)
