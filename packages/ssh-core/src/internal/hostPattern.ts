/** OpenSSH matches no list that holds a longer pattern (`match_pattern_list`). */
const maxPatternLength = 1022

/** ASCII letters only, as OpenSSH has it: what else is in a name stays byte for byte. */
export const lowerCase = (name: string): string => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

const star = 42
const question = 63

/**
 * Whether the part of a list between two offsets, a pattern with `*` and `?`, matches a name. Only the last `*` is ever
 * tried again, so that no pattern takes exponential time.
 */
const matchesPattern = (name: string, list: string, from: number, end: number): boolean => {
  // Most patterns of a long list fail at their last character already.
  const last = end > from ? list.charCodeAt(end - 1) : star
  if (last !== star && last !== question && last !== name.charCodeAt(name.length - 1)) return false
  let at = 0
  let inPattern = from
  let lastStar = -1
  let starAt = 0
  while (at < name.length) {
    const wanted = inPattern < end ? list.charCodeAt(inPattern) : -1
    if (wanted === star) {
      lastStar = inPattern++
      starAt = at
      if (inPattern === end) return true
    } else if (wanted === question || wanted === name.charCodeAt(at)) {
      at++
      inPattern++
    } else if (lastStar !== -1) {
      inPattern = lastStar + 1
      at = ++starAt
    } else {
      return false
    }
  }
  while (inPattern < end && list.charCodeAt(inPattern) === star) inPattern++
  return inPattern === end
}

/** Whether a comma-separated list matches a name in lower case: some pattern does, and no negated one (`!`). */
export const matchesList = (name: string, list: string): boolean => {
  const patterns = lowerCase(list)
  let matched = false
  // Not split, nor cut into strings: a list may be as long as the file.
  for (let start = 0; start < patterns.length;) {
    const comma = patterns.indexOf(",", start)
    const end = comma === -1 ? patterns.length : comma
    const negated = patterns[start] === "!"
    const from = negated ? start + 1 : start
    if (end - from > maxPatternLength) return false
    if (matchesPattern(name, patterns, from, end)) {
      if (negated) return false
      matched = true
    }
    start = end + 1
  }
  return matched
}
