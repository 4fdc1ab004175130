/** What a bad line does to the bytes on it, the same for the same seed. */

/** How often each fault happens, as a part of the bytes that pass (0.001: every thousandth). */
export interface Rates {
  readonly dropped?: number
  readonly doubled?: number
  readonly swapped?: number
  readonly flipped?: number
  /** Messages of the kernel in between. */
  readonly printk?: number
}

/** A small generator of numbers from 0 to 1 (mulberry32). */
const generator = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const make = (rates: Rates, seed: number): ((chunk: Uint8Array) => Buffer) => {
  const random = generator(seed)
  const faults = [
    rates.dropped ?? 0,
    rates.doubled ?? 0,
    rates.swapped ?? 0,
    rates.flipped ?? 0,
    rates.printk ?? 0
  ] as const
  const total = faults.reduce((sum, rate) => sum + rate, 0)
  let messages = 0
  if (total === 0) return (chunk) => Buffer.from(chunk)
  return (chunk) => {
    const out: Array<number> = []
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      const next = chunk[at + 1]
      let chance = random()
      const fault = chance >= total ? -1 : faults.findIndex((rate) => (chance -= rate) < 0)
      if (fault === 0) continue
      if (fault === 1) out.push(byte, byte)
      else if (fault === 2 && next !== undefined) {
        out.push(next, byte)
        at += 1
      } else if (fault === 3) out.push(byte ^ (1 << Math.floor(random() * 8)))
      else if (fault === 4) {
        out.push(byte, ...Buffer.from(`[${(100 + (messages += 1)).toFixed(6).padStart(12)}] usb 1-1: line noise\r\n`))
      } else out.push(byte)
    }
    return Buffer.from(out)
  }
}
