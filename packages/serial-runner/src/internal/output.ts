/** Reading what a command wrote into a file on the machine's side: in pieces with a checksum, a damaged one again. */
import { Deferred, Effect } from "effect"
import type { Agent } from "./agent.ts"
import { blockBytes } from "./agentScript.ts"
import { isSumOf } from "./cksum.ts"
import { withoutMessages } from "./printk.ts"

export type StreamName = "o" | "e"

/** A piece of a file, whole. */
export interface Piece {
  /** Place of its first byte. */
  readonly offset: number
  readonly data: Buffer
}

/** Most bytes of one piece, as blocks: more costs more to ask for again. */
const maxBlocks = 2048

interface Header {
  readonly key: string
  readonly block: number
  readonly sum: string
  /** Bytes of a small piece, which comes twice in place of a checksum. */
  readonly twice: number | undefined
}

/** Collects the pieces that are sent, asked for or not; `onPiece` gets those that are whole. */
export class PieceReader {
  #header: Header | undefined
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
    this.#header = {
      key: `${sequence} ${stream}`,
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
    const data = isComplete ? whole(header, chunks) : undefined
    if (data === undefined) this.#onDamage(header.key)
    else this.#onPiece(header.key, { offset: header.block * blockBytes, data })
  }
}

/** The bytes of a piece, when they are what was sent: as they came, or without what the kernel said in between. */
const whole = (header: Header, chunks: ReadonlyArray<Uint8Array>): Buffer | undefined => {
  const came = Buffer.concat(chunks)
  return sent(header, came) ?? sent(header, withoutMessages(came))
}

const sent = ({ sum, twice }: Header, line: Buffer): Buffer | undefined => {
  // A line's end stands between the piece and the word that it is over.
  const came = line.subarray(0, -1)
  if (twice === undefined) return isSumOf(sum, [came]) ? came : undefined
  const one = came.subarray(0, twice)
  return came.length === 2 * twice && one.equals(came.subarray(twice)) ? one : undefined
}

/** A piece that was asked for. */
interface Asked {
  readonly block: number
  readonly blocks: number
  /** `undefined` when it came damaged. */
  readonly done: Deferred.Deferred<Buffer | undefined>
}

/** Pieces of one file, asked for ahead of their turn. */
const inbox = Effect.fnUntraced(function* (agent: Agent, sequence: number | string, stream: StreamName | number) {
  const asked: Array<Asked> = []
  let activity = 0
  const key = `${sequence} ${stream}`
  const settle = (until: (piece: Asked) => boolean, data: Buffer | undefined): void => {
    // The other side answers in order: what was asked for before is lost.
    const at = asked.findIndex(until)
    if (at === -1) return
    for (const [index, piece] of asked.splice(0, at + 1).entries()) {
      Deferred.doneUnsafe(piece.done, Effect.succeed(index === at ? data : undefined))
    }
  }
  const reader = new PieceReader(
    (of, { data, offset }) => {
      if (of === key) settle(({ block }) => block * blockBytes === offset, data)
    },
    (of) => {
      if (of === key) settle(() => true, undefined)
    }
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
    ask: (block: number, blocks: number) => {
      const piece: Asked = { block, blocks, done: Deferred.makeUnsafe() }
      asked.push(piece)
      return Effect.as(agent.send("G", sequence, stream, block, blocks), piece)
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

/**
 * Reads bytes from `from` on, at most up to `to`, and hands them over as they come; what is missing at the end was not
 * there. `isAhead` asks for the next piece before one is there. Fails with `undefined` where the program does not answer, or
 * a piece comes damaged again and again.
 */
const pull = (
  agent: Agent,
  sequence: number | string,
  stream: StreamName | number,
  options: { readonly from: number; readonly to: number; readonly blocks: number; readonly isAhead: boolean },
  push: (data: Buffer) => void
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const box = yield* inbox(agent, sequence, stream)
      let at = options.from
      let blocks = Math.min(maxBlocks, Math.max(1, options.blocks))
      let next: Asked | undefined
      let silent = 0
      let tries = 0
      let damages = 0
      while (at < options.to) {
        const piece: Asked = next ?? (yield* box.ask(Math.floor(at / blockBytes), blocks))
        const end = piece.block + piece.blocks
        next = options.isAhead && tries === 0 && end * blockBytes < options.to ? yield* box.ask(end, blocks) : undefined
        const data = yield* box.take(piece)
        if (typeof data === "string") {
          silent = data === "silent" ? silent + 1 : 0
          damages += 1
          if (silent >= 8 || (tries += 1) >= 60) return yield* Effect.fail(undefined)
          // What is left of a damaged request must not become the beginning of the next one.
          yield* agent.write(newline)
          box.forget()
          next = undefined
          blocks = Math.max(1, blocks >> 1)
          continue
        }
        silent = 0
        if (tries === 0) blocks = Math.min(maxBlocks, blocks * 2)
        tries = 0
        const part = data.subarray(at - piece.block * blockBytes, options.to - piece.block * blockBytes)
        push(part)
        at += part.length
        if (data.length < piece.blocks * blockBytes) break
      }
      return { blocks, damages }
    })
  )

const newline = new Uint8Array([10])

/** Reads a part of a file; what is missing at the end was not there. */
export const readRange = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  stream: StreamName,
  range: { readonly from: number; readonly to: number; readonly blocks: number }
) {
  const chunks: Array<Buffer> = []
  const read = yield* pull(agent, sequence, stream, { ...range, isAhead: true }, (data) => void chunks.push(data))
  return { chunks, ...read }
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
  const first = Math.floor(offset / blockBytes)
  const to = (first + Math.min(maxBlocks, Math.max(1, blocks))) * blockBytes
  const chunks: Array<Buffer> = []
  const got = yield* pull(
    agent,
    sequence,
    stream,
    { from: offset, to, blocks, isAhead: false },
    (data) => void chunks.push(data)
  )
  return { data: Buffer.concat(chunks), blocks: got.damages === 0 ? blocks : got.blocks, tries: got.damages }
})
