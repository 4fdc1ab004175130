/** How much is asked for at a time on a line: more where it proves good, less where it does damage. */
import { blockBytes } from "./agentScript.ts"

const first = 65_536
const most = 16 * 1024 * 1024
/** What is asked for at a time comes within about so many milliseconds, as nobody else has the line until then. */
const longest = 1000

export class Reach {
  #bytes: number

  constructor(bytes = first) {
    this.#bytes = bytes
  }

  /** Always a power of two. */
  get blocks(): number {
    return this.#bytes / blockBytes
  }

  /** So much came whole, in so many milliseconds. */
  grow(bytes: number, ms: number): void {
    const inTime = (bytes * longest) / Math.max(1, ms)
    this.#set(Math.min(4 * this.#bytes, most, inTime))
  }

  /** Something came damaged that was asked for by so many blocks. */
  shrink(blocks: number): void {
    this.#set((blocks * blockBytes) / 2)
  }

  #set(bytes: number): void {
    this.#bytes = 2 ** Math.floor(Math.log2(Math.max(blockBytes, bytes)))
  }
}
