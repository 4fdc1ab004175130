/** OpenSSH matches no list that holds a longer pattern (`match_pattern_list`). */
const maxPatternLength = 1022

/** ASCII letters only, as OpenSSH has it: what else is in a name stays byte for byte. */
export const lowerCase = (name: string): string => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/** Whether a name matches a pattern with `*` and `?`; only the last `*` is ever retried, so no pattern is exponential. */
const matchesPattern = (name: string, pattern: string): boolean => {
  let at = 0
  let inPattern = 0
  let star = -1
  let starAt = 0
  while (at < name.length) {
    const wanted = pattern[inPattern]
    if (wanted === "*") {
      star = inPattern++
      starAt = at
    } else if (wanted === "?" || wanted === name[at]) {
      at++
      inPattern++
    } else if (star !== -1) {
      inPattern = star + 1
      at = ++starAt
    } else {
      return false
    }
  }
  while (pattern[inPattern] === "*") inPattern++
  return inPattern === pattern.length
}

/** Whether a list of patterns in lower case or not matches a name in lower case, and no negated one (`!`) does. */
export const matchesList = (name: string, list: string): boolean => {
  let matched = false
  for (const part of list.split(",")) {
    const negated = part.startsWith("!")
    const pattern = lowerCase(negated ? part.slice(1) : part)
    if (pattern.length > maxPatternLength) return false
    if (!matchesPattern(name, pattern)) continue
    if (negated) return false
    matched = true
  }
  return matched
}
