/** Gathering what a command printed in checked mode. */
import { Deferred, Effect } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import type { Agent } from "./agent.ts"
import * as AgentScript from "./agentScript.ts"
import type { End, Watch } from "./commandEnd.ts"
import * as Output from "./output.ts"

const firstBytes = AgentScript.firstBlocks * AgentScript.blockBytes

/** The beginnings of both streams, which come by themselves. */
export class FirstPieces {
  readonly #pieces = { o: Deferred.makeUnsafe<Buffer | undefined>(), e: Deferred.makeUnsafe<Buffer | undefined>() }
  readonly reader: Output.PieceReader

  constructor(sequence: number) {
    const settle = (key: string, data: Buffer | undefined): void => {
      for (const stream of ["o", "e"] as const) {
        if (key === `${sequence} ${stream}`) Deferred.doneUnsafe(this.#pieces[stream], Effect.succeed(data))
      }
    }
    this.reader = new Output.PieceReader(
      (key, { data, offset }) => {
        if (offset === 0) settle(key, data)
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
}

const captured = (head: Uint8Array, tail: Uint8Array, totalBytes: number): CapturedOutput.CapturedOutput =>
  new CapturedOutput.CapturedOutput({ head, tail, totalBytes, omittedBytes: totalBytes - head.length - tail.length })

/** A stream that is read whole, or its beginning and its end when it is longer than the limit. */
const collect = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  stream: Output.StreamName,
  first: Buffer | undefined,
  limit: number
) {
  let blocks: number = AgentScript.firstBlocks
  const read = Effect.fnUntraced(function* (from: number, to: number) {
    const piece = yield* Output.readRange(agent, sequence, stream, { from, to, blocks })
    blocks = piece.blocks
    return piece.chunks
  })
  const begin = first ?? Buffer.concat(yield* read(0, firstBytes))
  if (begin.length < firstBytes && begin.length <= limit) return captured(begin, new Uint8Array(0), begin.length)
  const answer = yield* agent.ask(
    "Z",
    [sequence, stream],
    ({ fields, kind }) => kind === "z" && fields[0] === String(sequence) && fields[1] === stream
  )
  const size = Number(answer.fields[2])
  const headLimit = size <= limit ? size : Math.ceil(limit / 2)
  const known = begin.subarray(0, headLimit)
  const head = known.length === headLimit ? known : Buffer.concat([known, ...(yield* read(known.length, headLimit))])
  const tail = Buffer.concat(size <= limit ? [] : yield* read(size - Math.floor(limit / 2), size))
  return captured(head, tail, size)
})

/** Both streams of a command that has ended. Fails with `undefined` where they can't be read. */
export const gather = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  limit: number,
  sent: { readonly pieces: FirstPieces; readonly state: Watch; readonly end: End | undefined }
) {
  const one = Effect.fnUntraced(function* (stream: Output.StreamName, size: number | undefined) {
    if (size === 0) return CapturedOutput.empty
    const first = sent.end === undefined ? undefined : yield* sent.pieces.take(stream, agent, sent.state)
    return yield* collect(agent, sequence, stream, first, limit)
  })
  const stdout = yield* one("o", sent.end?.sizes[0])
  return { stdout, stderr: yield* one("e", sent.end?.sizes[1]) }
})
