/** Gathering what a command printed in checked mode. */
import { Deferred, Effect } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import type { Agent } from "./agent.ts"
import { firstBytes } from "./agentScript.ts"
import type { End, Watch } from "./commandEnd.ts"
import * as Output from "./output.ts"

/** Short outputs, which come by themselves. */
export class FirstPieces {
  readonly #pieces = { o: Deferred.makeUnsafe<Buffer | undefined>(), e: Deferred.makeUnsafe<Buffer | undefined>() }
  #isOver = false
  readonly reader: Output.PieceReader

  constructor(sequence: number) {
    const streamOf = (key: string) => (["o", "e"] as const).find((stream) => key === `${sequence} ${stream}`)
    const settle = (key: string, data: Buffer | undefined): void => {
      const stream = streamOf(key)
      if (stream !== undefined) Deferred.doneUnsafe(this.#pieces[stream], Effect.succeed(data))
    }
    this.reader = new Output.PieceReader(
      (key) => !this.#isOver && streamOf(key) !== undefined,
      (key, { chunks, offset }) => {
        if (offset === 0) settle(key, Buffer.concat(chunks))
      },
      (key) => settle(key, undefined)
    )
  }

  /** Waits as long as something comes; `undefined` where this one was lost. */
  take(stream: Output.StreamName, agent: Agent, state: Watch): Effect.Effect<Buffer | undefined> {
    const piece = Deferred.await(this.#pieces[stream])
    return Effect.gen(function* () {
      for (;;) {
        const before = state.activity
        const taken = yield* Effect.timeoutOption(piece, agent.patienceMs())
        if (taken._tag === "Some") return taken.value
        if (state.activity === before) return undefined
      }
    })
  }

  /** What comes from now on was asked for. */
  stop(): void {
    this.#isOver = true
  }
}

const captured = (head: Uint8Array, tail: Uint8Array, totalBytes: number): CapturedOutput.CapturedOutput =>
  new CapturedOutput.CapturedOutput({ head, tail, totalBytes, omittedBytes: totalBytes - head.length - tail.length })

/** A stream that is read whole, or its beginning and its end when it is longer than the limit. */
const collect = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  stream: Output.StreamName,
  size: number,
  limit: number
) {
  const read = (from: number, to: number) => Output.readRange(agent, sequence, stream, { from, to })
  const headLimit = size <= limit ? size : Math.ceil(limit / 2)
  const head = yield* read(0, headLimit)
  const tail = size <= limit ? new Uint8Array(0) : yield* read(size - Math.floor(limit / 2), size)
  return captured(head, tail, size)
})

const sizeOf = (agent: Agent, sequence: number, stream: Output.StreamName) =>
  Effect.map(
    agent.ask(
      "Z",
      [sequence, stream],
      ({ fields, kind }) => kind === "z" && fields[0] === String(sequence) && fields[1] === stream
    ),
    ({ fields }) => Number(fields[2])
  )

/** Both streams of a command that has ended. Fails with `undefined` where they can't be read. */
export const gather = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  limit: number,
  sent: { readonly pieces: FirstPieces; readonly state: Watch; readonly end: End | undefined }
) {
  const { end, pieces, state } = sent
  const first = Effect.fnUntraced(function* (stream: Output.StreamName, size: number | undefined) {
    const isSent = end !== undefined && size !== 0 && (size === undefined || size <= firstBytes)
    return isSent ? yield* pieces.take(stream, agent, state) : undefined
  })
  const one = Effect.fnUntraced(function* (
    stream: Output.StreamName,
    known: number | undefined,
    piece: Buffer | undefined
  ) {
    const size = known ?? piece?.length ?? (yield* sizeOf(agent, sequence, stream))
    if (size === 0) return CapturedOutput.empty
    if (piece?.length !== size) return yield* collect(agent, sequence, stream, size, limit)
    if (size <= limit) return captured(piece, new Uint8Array(0), size)
    return captured(piece.subarray(0, Math.ceil(limit / 2)), piece.subarray(size - Math.floor(limit / 2)), size)
  })
  const sizes = end?.sizes ?? []
  // Nothing is asked for while something is sent by itself: both would be printed at once.
  const out = yield* first("o", sizes[0])
  const err = yield* first("e", sizes[1])
  pieces.stop()
  return { stdout: yield* one("o", sizes[0], out), stderr: yield* one("e", sizes[1], err) }
})
