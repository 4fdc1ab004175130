/** The name that a person probably meant. */

const maxLength = 64

const cost = (row: ReadonlyArray<number>, at: number): number => row[at] ?? Number.POSITIVE_INFINITY

/** Number of single-character insertions, deletions, replacements and swaps of neighbours between two short words. */
const distance = (left: string, right: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current.push(
        Math.min(
          cost(last, column) + 1,
          cost(current, column - 1) + 1,
          cost(last, column - 1) + (same ? 0 : 1),
          swapped ? cost(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    beforeLast = last
    last = current
  }
  return last[right.length] ?? 0
}

/** The nearest of the names, where one is near enough to be meant. */
export const nearest = (word: string, names: ReadonlyArray<string>): string | undefined => {
  if (word.length > maxLength) return undefined
  const lower = word.toLowerCase()
  const ranked = names
    .map((name) => ({ name, away: distance(lower, name.toLowerCase()) }))
    .sort((left, right) => left.away - right.away)
  const best = ranked[0]
  return best !== undefined && best.away <= Math.max(1, Math.floor(word.length / 3)) ? best.name : undefined
}
