/** Finds the line that says how a command ended in the stream that it shares with the command's stderr. */
export class StatusMark {
  readonly #mark: Buffer
  #held: Buffer = Buffer.alloc(0)

  constructor(mark: string) {
    this.#mark = Buffer.from(`${mark} `, "latin1")
  }

  /** Takes a chunk; gives back the bytes that are the command's, and the number that the line holds once it was seen. */
  push(chunk: Buffer): { readonly bytes: Buffer; readonly status: number | undefined } {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const start = data.indexOf(this.#mark)
    const end = start === -1 ? -1 : data.indexOf(10, start)
    if (end === -1) {
      const from = start === -1 ? data.length - this.#begun(data) : start
      this.#held = Buffer.from(data.subarray(from))
      return { bytes: data.subarray(0, from), status: undefined }
    }
    this.#held = Buffer.alloc(0)
    const text = data.toString("latin1", start + this.#mark.length, end)
    const bytes = Buffer.concat([data.subarray(0, start), data.subarray(end + 1)])
    return { bytes, status: /^\d{1,3}$/.test(text) ? Number(text) : undefined }
  }

  /** What was kept back and is no mark after all. */
  rest(): Buffer {
    return this.#held
  }

  /** How many bytes at the end of the data may be the beginning of the mark. */
  #begun(data: Buffer): number {
    for (let length = Math.min(this.#mark.length - 1, data.length); length > 0; length--) {
      if (data.subarray(data.length - length).equals(this.#mark.subarray(0, length))) return length
    }
    return 0
  }
}
