/** Reading what a command wrote into a file on the machine's side: in pieces with a checksum, a damaged one again. */
import { Deferred, Effect } from "effect"
import type { Agent } from "./agent.ts"
import { blockBytes } from "./agentScript.ts"
import { isSumOf } from "./cksum.ts"

export type StreamName = "o" | "e"

/** A piece of a file, whole. */
export interface Piece {
  /** Place of its first byte. */
  readonly offset: number
  readonly data: Buffer
}

/** How long a piece may stay away after the last byte of it came. */
const silence = 1500

/** Most bytes of one piece, as blocks: more costs more to ask for again. */
const maxBlocks = 256

/** Collects the pieces that are sent, asked for or not; `onPiece` gets those that are whole. */
export class PieceReader {
  #header: { readonly key: string; readonly block: number; readonly sum: string } | undefined
  #chunks: Array<Uint8Array> = []
  #bytes = 0
  readonly #onPiece: (key: string, piece: Piece) => void
  readonly #onDamage: (key: string) => void

  constructor(onPiece: (key: string, piece: Piece) => void, onDamage: (key: string) => void) {
    this.#onPiece = onPiece
    this.#onDamage = onDamage
  }

  bytes(data: Uint8Array): void {
    if (this.#header === undefined) return
    this.#chunks.push(data.slice())
    this.#bytes += data.length
    // Far longer than it said: the end was lost.
    if (this.#bytes > 2 * maxBlocks * blockBytes) this.#end(false)
  }

  answer(kind: string, fields: ReadonlyArray<string>): void {
    if (kind === ".") return this.#end(true)
    if (kind !== "d") {
      // Another's words came between.
      return
    }
    this.#end(false)
    const [sequence, stream, block, sum = ""] = fields
    this.#header = { key: `${sequence} ${stream}`, block: Number(block), sum }
  }

  #end(isWhole: boolean): void {
    const header = this.#header
    if (header === undefined) return
    const chunks = this.#chunks
    const isRight = isWhole && isSumOf(header.sum, chunks)
    this.#header = undefined
    this.#chunks = []
    this.#bytes = 0
    if (isRight) this.#onPiece(header.key, { offset: header.block * blockBytes, data: Buffer.concat(chunks) })
    else this.#onDamage(header.key)
  }
}

/**
 * Reads bytes from `offset` on, at most up to the end of a piece; an empty answer is the end of the file as it is now.
 * Fails with `undefined` where the program does not answer, or a piece comes damaged again and again.
 */
export const read = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  stream: StreamName,
  offset: number,
  blocks: number
) {
  const block = Math.floor(offset / blockBytes)
  let count = Math.min(maxBlocks, Math.max(1, blocks))
  let silent = 0
  for (let tries = 0; tries < 40; tries++) {
    const result = yield* Effect.scoped(
      Effect.gen(function* () {
        const done = yield* Deferred.make<Buffer | undefined>()
        const key = `${sequence} ${stream}`
        let last = 0
        const reader = new PieceReader(
          (of, piece) => {
            if (of === key && piece.offset === block * blockBytes) Deferred.doneUnsafe(done, Effect.succeed(piece.data))
          },
          (of) => {
            if (of === key) Deferred.doneUnsafe(done, Effect.undefined)
          }
        )
        yield* agent.hear({
          bytes: (data) => {
            last += data.length
            reader.bytes(data)
          },
          answer: (answer) => {
            last += 1
            if (answer === undefined || answer.kind === "n") Deferred.doneUnsafe(done, Effect.undefined)
            else reader.answer(answer.kind, answer.fields)
          }
        })
        yield* agent.send("G", sequence, stream, block, count)
        const stalls = Effect.gen(function* () {
          for (;;) {
            const before = last
            yield* Effect.sleep(silence)
            if (last === before) return undefined
          }
        })
        return yield* Effect.raceFirst(
          Effect.map(Deferred.await(done), (data) => ({ data, isSilent: false })),
          Effect.as(stalls, { data: undefined, isSilent: true })
        )
      })
    )
    if (result.data !== undefined)
      return { data: result.data.subarray(offset - block * blockBytes), blocks: count, tries }
    silent = result.isSilent ? silent + 1 : 0
    if (silent >= 3) return yield* Effect.fail(undefined)
    // What is left of a damaged request must not become the beginning of the next one.
    yield* agent.send("P", 0)
    count = Math.max(1, count >> 1)
  }
  return yield* Effect.fail(undefined)
})
