/** One step of a pattern: any run of characters, or one character that satisfies a condition. */
export type Step = "*" | ((character: string) => boolean)

/**
 * Whether the whole text fits the steps. Only the last `*` is ever taken back, so the time is at most the product of
 * the two lengths.
 */
export const matchSteps = (text: string, steps: ReadonlyArray<Step>): boolean => {
  let at = 0
  let step = 0
  let star = -1
  let starAt = 0
  while (at < text.length) {
    const current = steps[step]
    if (current === "*") {
      star = step
      starAt = at
      step++
    } else if (current !== undefined && current(text.charAt(at))) {
      at++
      step++
    } else if (star !== -1) {
      step = star + 1
      starAt++
      at = starAt
    } else return false
  }
  while (steps[step] === "*") step++
  return step === steps.length
}

const anyCharacter: Step = () => true

/** A pattern of ssh_config(5): `*` and `?`, everything else literally. */
export const matchPattern = (text: string, pattern: string): boolean =>
  matchSteps(
    text,
    // By UTF-16 unit on both sides, so that `?` and the literal characters advance alike.
    pattern
      .split("")
      .map((wanted): Step =>
        wanted === "*" ? "*" : wanted === "?" ? anyCharacter : (character) => character === wanted
      )
  )

/** A comma-separated list of patterns: a `!` entry that fits rejects the whole list; else one entry has to fit. */
export const matchPatternList = (text: string, list: string): boolean => {
  let matched = false
  for (const entry of list.split(",")) {
    const negated = entry.startsWith("!")
    if (matchPattern(text, negated ? entry.slice(1) : entry)) {
      if (negated) return false
      matched = true
    }
  }
  return matched
}
