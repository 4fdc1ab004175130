/** What a program on the machine may ask the terminal for, and what a plain one answers. */

interface Query {
  readonly request: Buffer
  readonly answer: Buffer
}

const query = (request: string, answer: string): Query => ({
  request: Buffer.from(`\u001b[${request}`, "latin1"),
  answer: Buffer.from(`\u001b[${answer}`, "latin1")
})

/** ECMA-48 and VT220: device attributes, device status, cursor position (of a cursor that never left the first line). */
const queries: ReadonlyArray<Query> = [query("c", "?62c"), query("0c", "?62c"), query("5n", "0n"), query("6n", "1;1R")]

const longest = Math.max(...queries.map(({ request }) => request.length))

/** Finds queries in a stream that is cut anywhere, in time linear in what it is given. */
export class QueryFinder {
  #held: Buffer = Buffer.alloc(0)

  /** The answers to the queries that end in this chunk, in their order. */
  push(chunk: Uint8Array): ReadonlyArray<Uint8Array> {
    const data =
      this.#held.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#held, chunk])
    const answers: Array<Uint8Array> = []
    let from = 0
    for (;;) {
      const at = data.indexOf(0x1b, from)
      if (at === -1) {
        this.#held = Buffer.alloc(0)
        return answers
      }
      const rest = data.subarray(at, at + longest)
      const found = queries.find(({ request }) => rest.subarray(0, request.length).equals(request))
      if (found !== undefined) {
        answers.push(found.answer)
        from = at + found.request.length
      } else if (
        rest.length < longest &&
        queries.some(({ request }) => request.subarray(0, rest.length).equals(rest))
      ) {
        this.#held = Buffer.from(rest)
        return answers
      } else {
        from = at + 1
      }
    }
  }
}
