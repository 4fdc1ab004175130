/** A stream of output in arbitrary chunks as `--ndjson` events, each character in one piece. */
import { decodeUtf8, unfinishedTail } from "./outputDocument.ts"

export interface OutputEvent {
  readonly event: "stdout" | "stderr"
  readonly data: string
  readonly encoding: "utf8" | "base64"
  /** Of the first byte, in the whole stream. */
  readonly offset: number
}

const empty: Uint8Array = new Uint8Array(0)

/** The events of one stream. The bytes of a character that has not wholly come yet wait for the next chunk. */
export class OutputEvents {
  readonly #stream: "stdout" | "stderr"
  #waiting = empty
  #offset = 0

  constructor(stream: "stdout" | "stderr") {
    this.#stream = stream
  }

  /** For a chunk at the offset where the one before it ended, or later, where bytes in between were left out. */
  push(chunk: Uint8Array, offset: number): ReadonlyArray<OutputEvent> {
    const expected = this.#offset + this.#waiting.length
    const before = offset === expected ? [] : this.end()
    if (offset !== expected) this.#offset = offset
    const bytes = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk])
    const whole = bytes.length - unfinishedTail(bytes)
    const text = decodeUtf8(bytes.subarray(0, whole))
    if (text === undefined) {
      this.#waiting = empty
      return [...before, ...this.#emit(bytes, undefined)]
    }
    this.#waiting = bytes.slice(whole)
    return [...before, ...this.#emit(bytes.subarray(0, whole), text)]
  }

  /** What still waits when the stream has ended. */
  end(): ReadonlyArray<OutputEvent> {
    const bytes = this.#waiting
    this.#waiting = empty
    return this.#emit(bytes, undefined)
  }

  #emit(bytes: Uint8Array, text: string | undefined): ReadonlyArray<OutputEvent> {
    if (bytes.length === 0) return []
    const offset = this.#offset
    this.#offset += bytes.length
    return text === undefined
      ? [{ event: this.#stream, data: Buffer.from(bytes).toString("base64"), encoding: "base64", offset }]
      : [{ event: this.#stream, data: text, encoding: "utf8", offset }]
  }
}
