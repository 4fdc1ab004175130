/** Reading what a command wrote into a file on the machine's side: in pieces with a checksum, a damaged one again. */
import { Clock, Deferred, Effect } from "effect"
import type { Agent } from "./agent.ts"
import { blockBytes, largeBlocks } from "./agentScript.ts"
import { isSumOf } from "./cksum.ts"
import { withoutMessages } from "./printk.ts"
import { Reach } from "./reach.ts"

export type StreamName = "o" | "e"

type Chunks = ReadonlyArray<Uint8Array>

/** A piece of a file, whole. */
export interface Piece {
  /** Place of its first byte. */
  readonly offset: number
  readonly chunks: Chunks
}

/** Most bytes of one piece, as blocks: more costs more to ask for again. */
const maxBlocks = 8192

interface Header {
  readonly key: string
  readonly block: number
  readonly sum: string
  /** Bytes of a small piece, which comes twice in place of a checksum. */
  readonly twice: number | undefined
}

/** Collects the pieces that are sent, asked for or not, and are of use; `onPiece` gets those that are whole. */
export class PieceReader {
  #header: Header | undefined
  #chunks: Array<Uint8Array> = []
  #bytes = 0
  readonly #isFor: (key: string) => boolean
  readonly #onPiece: (key: string, piece: Piece) => void
  readonly #onDamage: (key: string) => void

  constructor(
    isFor: (key: string) => boolean,
    onPiece: (key: string, piece: Piece) => void,
    onDamage: (key: string) => void
  ) {
    this.#isFor = isFor
    this.#onPiece = onPiece
    this.#onDamage = onDamage
  }

  bytes(data: Uint8Array): void {
    if (this.#header === undefined) return
    this.#chunks.push(data)
    this.#bytes += data.length
    // Far longer than it said: the end was lost.
    if (this.#bytes > 2 * maxBlocks * blockBytes) this.#end(false)
  }

  answer(kind: string, fields: ReadonlyArray<string>): void {
    if (kind === ".") return this.#end(true)
    // Another's words may come between.
    if (kind !== "d" && kind !== "t") return
    this.#end(false)
    const [sequence, stream, number, sum = ""] = fields
    const key = `${sequence} ${stream}`
    if (!this.#isFor(key)) return
    this.#header = {
      key,
      // A small one has its place behind its length, and no checksum.
      block: Number(kind === "d" ? number : sum),
      sum,
      twice: kind === "t" ? Number(number) : undefined
    }
  }

  #end(isComplete: boolean): void {
    const header = this.#header
    if (header === undefined) return
    const chunks = this.#chunks
    this.#header = undefined
    this.#chunks = []
    this.#bytes = 0
    const right = isComplete ? whole(header, chunks) : undefined
    if (right === undefined) this.#onDamage(header.key)
    else this.#onPiece(header.key, { offset: header.block * blockBytes, chunks: right })
  }
}

const lengthOf = (chunks: Chunks): number => chunks.reduce((length, chunk) => length + chunk.length, 0)

/** The bytes between two places. */
const between = (chunks: Chunks, from: number, to: number): Array<Uint8Array> => {
  const found: Array<Uint8Array> = []
  let at = 0
  for (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, from - at), Math.max(0, to - at))
    if (part.length > 0) found.push(part)
    at += chunk.length
  }
  return found
}

const sent = ({ sum, twice }: Header, line: Chunks): Chunks | undefined => {
  // A line's end stands between the piece and the word that it is over.
  const came = between(line, 0, lengthOf(line) - 1)
  if (twice === undefined) return isSumOf(sum, came) ? came : undefined
  const both = Buffer.concat(came)
  const one = both.subarray(0, twice)
  return both.length === 2 * twice && one.equals(both.subarray(twice)) ? [one] : undefined
}

/** The bytes of a piece, when they are what was sent: as they came, or without what the kernel said in between. */
const whole = (header: Header, came: Chunks): Chunks | undefined =>
  sent(header, came) ?? sent(header, [withoutMessages(Buffer.concat(came))])

/** A piece that was asked for. */
interface Asked {
  readonly block: number
  readonly blocks: number
  /** `undefined` when it came damaged. */
  readonly done: Deferred.Deferred<Chunks | undefined>
}

/** Pieces of one file, asked for ahead of their turn. */
const inbox = Effect.fnUntraced(function* (agent: Agent, sequence: number | string, stream: StreamName | number) {
  const asked: Array<Asked> = []
  let activity = 0
  const key = `${sequence} ${stream}`
  const settle = (until: (piece: Asked) => boolean, data: Chunks | undefined): void => {
    // The other side answers in order: what was asked for before is lost.
    const at = asked.findIndex(until)
    if (at === -1) return
    for (const [index, piece] of asked.splice(0, at + 1).entries()) {
      Deferred.doneUnsafe(piece.done, Effect.succeed(index === at ? data : undefined))
    }
  }
  const reader = new PieceReader(
    (of) => of === key,
    (_, { chunks, offset }) => settle(({ block }) => block * blockBytes === offset, chunks),
    () => settle(() => true, undefined)
  )
  yield* agent.hear({
    bytes: (data) => {
      activity += data.length
      reader.bytes(data)
    },
    answer: (answer) => {
      activity += 1
      if (answer === undefined || answer.kind === "n") settle(() => true, undefined)
      else reader.answer(answer.kind, answer.fields)
    }
  })
  return {
    /** Asks for pieces of so many blocks, one behind the other: `V` for a file that stays as it is, `G` for one piece of any. */
    ask: (call: "G" | "V", block: number, blocks: number, count: number) => {
      const pieces = Array.from({ length: count }, (_, index): Asked => {
        return { block: block + index * blocks, blocks, done: Deferred.makeUnsafe() }
      })
      asked.push(...pieces)
      const words = call === "V" ? [block, blocks, count] : [block, blocks]
      return Effect.as(agent.send(call, sequence, stream, ...words), pieces)
    },
    /** The piece; `damaged`, or `silent` where nothing comes at all. */
    take: Effect.fnUntraced(function* (piece: Asked) {
      const silence = 3 * agent.patienceMs() + 300
      for (;;) {
        const before = activity
        const data = yield* Effect.timeoutOption(Deferred.await(piece.done), silence)
        if (data._tag === "Some") return data.value ?? ("damaged" as const)
        if (activity !== before) continue
        settle((other) => other === piece, undefined)
        return "silent" as const
      }
    }),
    forget: () => void asked.splice(0)
  }
})

/** What to ask for next: as much as is asked for at a time, and not much more than is needed. */
const plan = (at: number, to: number, reach: Reach) => {
  const unit = reach.blocks < largeBlocks ? 1 : largeBlocks
  const block = Math.floor(at / (unit * blockBytes)) * unit
  const needed = Math.ceil((to - block * blockBytes) / (unit * blockBytes)) * unit
  const blocks = Math.min(reach.blocks, maxBlocks, needed)
  return { block, blocks, count: Math.floor(Math.min(reach.blocks, needed) / blocks) }
}

/**
 * Reads bytes from `from` on, at most up to `to`, and hands them over as they come; what is missing at the end was not
 * there. `staysSo` asks ahead. Fails with `undefined` where the program does not answer, or a piece comes damaged again and
 * again.
 */
const pull = (
  agent: Agent,
  sequence: number | string,
  stream: StreamName | number,
  range: { readonly from: number; readonly to: number; readonly reach: Reach; readonly staysSo: boolean },
  push: (data: Chunks) => void
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const box = yield* inbox(agent, sequence, stream)
      const { reach, to } = range
      let at = range.from
      let next: ReadonlyArray<Asked> = []
      let silent = 0
      let tries = 0
      let damages = 0
      const ask = (from: number) => {
        const { block, blocks, count } = plan(from, to, reach)
        return range.staysSo && tries === 0 ? box.ask("V", block, blocks, count) : box.ask("G", block, blocks, 1)
      }
      while (at < to) {
        const begun = yield* Clock.monotonicTimeNanos
        const from = at
        const pieces = next.length > 0 ? next : yield* ask(at)
        const end = pieces.reduce((_, { block, blocks }) => (block + blocks) * blockBytes, 0)
        next = range.staysSo && tries === 0 && end < to ? yield* ask(end) : []
        for (const piece of pieces) {
          const data = yield* box.take(piece)
          if (typeof data === "string") {
            silent = data === "silent" ? silent + 1 : 0
            damages += 1
            if (silent >= 8 || (tries += 1) >= 60) return yield* Effect.fail(undefined)
            // What is left of a damaged request must not become the beginning of the next one.
            yield* agent.write(newline)
            box.forget()
            next = []
            reach.shrink(piece.blocks)
            break
          }
          silent = 0
          const offset = piece.block * blockBytes
          const part = between(data, at - offset, to - offset)
          push(part)
          at += lengthOf(part)
          if (lengthOf(data) < piece.blocks * blockBytes) return damages
        }
        if (at >= Math.min(end, to)) {
          if (tries === 0) reach.grow(at - from, Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6)
          tries = 0
        }
      }
      return damages
    })
  )

const newline = new Uint8Array([10])

/** Reads a part of a file that stays as it is; what is missing at the end was not there. */
export const readRange = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  stream: StreamName,
  range: { readonly from: number; readonly to: number }
) {
  const chunks: Array<Uint8Array> = []
  yield* pull(agent, sequence, stream, { ...range, reach: agent.reach, staysSo: true }, (data) => {
    for (const chunk of data) chunks.push(chunk)
  })
  return Buffer.concat(chunks)
})

/**
 * Reads bytes from `offset` on, at most up to the end of a piece; an empty answer is the end of the file as it is now.
 * Fails with `undefined` where the program does not answer, or a piece comes damaged again and again.
 */
export const read = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number | string,
  stream: StreamName | number,
  offset: number,
  blocks: number
) {
  const to = (Math.floor(offset / blockBytes) + blocks) * blockBytes
  const reach = new Reach(blocks * blockBytes)
  const chunks: Array<Uint8Array> = []
  const range = { from: offset, to, reach, staysSo: false }
  const tries = yield* pull(agent, sequence, stream, range, (data) => void chunks.push(...data))
  return { data: Buffer.concat(chunks), blocks: tries === 0 ? blocks : reach.blocks, tries }
})
