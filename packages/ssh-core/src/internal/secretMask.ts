const replacement = Buffer.from("[secret]")

/** A byte pattern with the place of its next occurrence, found once. */
interface Pattern {
  readonly bytes: Buffer
  next: number
}

/**
 * Replaces secrets in a stream of bytes, however the stream is cut. What may be the beginning of one is held back until
 * it is decided; a chunk is gone through once for each secret.
 */
export class SecretMask {
  readonly #patterns: ReadonlyArray<Pattern>
  #held: Buffer = Buffer.alloc(0)

  constructor(secrets: ReadonlyArray<string>) {
    // A terminal prints a newline as two characters.
    const forms = secrets.flatMap((secret) => [secret, secret.replaceAll("\n", "\r\n")])
    this.#patterns = [...new Set(forms)]
      .filter((secret) => secret !== "")
      .sort((a, b) => b.length - a.length)
      .map((secret) => ({ bytes: Buffer.from(secret), next: 0 }))
  }

  push(chunk: Buffer): Buffer {
    if (this.#patterns.length === 0) return chunk
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const parts: Array<Buffer> = []
    let at = 0
    let end: number
    for (const pattern of this.#patterns) pattern.next = data.indexOf(pattern.bytes)
    for (;;) {
      let first: Pattern | undefined
      for (const pattern of this.#patterns) {
        if (pattern.next !== -1 && pattern.next < at) pattern.next = data.indexOf(pattern.bytes, at)
        // Of two that begin at one place the longer one comes first in the list.
        if (pattern.next !== -1 && (first === undefined || pattern.next < first.next)) first = pattern
      }
      // A short secret may be the beginning of a long one that is still to come whole.
      end = this.#undecidedFrom(data, at)
      if (first === undefined || first.next >= end) break
      parts.push(data.subarray(at, first.next), replacement)
      at = first.next + first.bytes.length
    }
    parts.push(data.subarray(at, end))
    this.#held = Buffer.from(data.subarray(end))
    return Buffer.concat(parts)
  }

  /** What was held back: the stream is over. Half a secret and more counts as one. */
  end(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    const isMost = this.#patterns.some(
      ({ bytes }) => held.length * 2 >= bytes.length && bytes.subarray(0, held.length).equals(held)
    )
    return held.length > 0 && isMost ? replacement : held
  }

  /** The whole of a text with its secrets replaced. */
  static apply(secrets: ReadonlyArray<string>, text: string): string {
    const mask = new SecretMask(secrets)
    return Buffer.concat([mask.push(Buffer.from(text)), mask.end()]).toString()
  }

  #undecidedFrom(data: Buffer, from: number): number {
    let earliest = data.length
    for (const { bytes } of this.#patterns) {
      const initial = bytes[0] ?? 0
      let start = data.indexOf(initial, Math.max(from, data.length - bytes.length + 1))
      while (start !== -1 && start < earliest) {
        if (data.compare(bytes, 0, data.length - start, start) === 0) earliest = start
        start = data.indexOf(initial, start + 1)
      }
    }
    return earliest
  }
}
