/** Token buckets by key, in memory, with a bound on how many keys are remembered. */

export interface Options {
  /** Requests that may come at once. */
  readonly burst: number
  readonly perSecond: number
  /** Keys that are remembered; the one unused for longest makes room. */
  readonly maxKeys: number
}

export interface RateLimit {
  /** Takes one request of a key at a time in milliseconds: 0, or the milliseconds until it may be tried again. */
  readonly take: (key: string, now: number) => number
}

export const make = ({ burst, maxKeys, perSecond }: Options): RateLimit => {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>()
  return {
    take: (key, now) => {
      const known = buckets.get(key)
      const filled =
        known === undefined ? burst : Math.min(burst, known.left + (Math.max(0, now - known.at) * perSecond) / 1000)
      const isFree = filled >= 1
      buckets.delete(key)
      buckets.set(key, { left: isFree ? filled - 1 : filled, at: now })
      if (buckets.size > maxKeys) {
        const [oldest] = buckets.keys()
        if (oldest !== undefined) buckets.delete(oldest)
      }
      return isFree ? 0 : Math.ceil(((1 - filled) * 1000) / perSecond)
    }
  }
}
