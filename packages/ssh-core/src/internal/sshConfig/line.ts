import { Result } from "effect"

/** One directive of a configuration file, or one `-o`. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string
  /** What follows the keyword, as it is written. */
  readonly rest: string
  /** The words of `rest`, quotes and escapes taken off, up to a comment. */
  readonly args: ReadonlyArray<string>
  /** `path:line`; `undefined` on the command line. */
  readonly location: string | undefined
}

const blank = " \t\r\n"

const skip = (text: string, from: number, characters: string): number => {
  let at = from
  while (at < text.length && characters.includes(text.charAt(at))) at++
  return at
}

/**
 * The next token of a line and what follows it, where a token ends at blanks or one `=`. A double quote anywhere in
 * the token makes it run up to the closing quote. `undefined` where that is missing.
 */
export const nextToken = (text: string): { readonly token: string; readonly rest: string } | undefined => {
  let end = 0
  while (end < text.length && !`${blank}"=`.includes(text.charAt(end))) end++
  if (end === text.length) return { token: text, rest: "" }
  if (text[end] === '"') {
    const close = text.indexOf('"', end + 1)
    if (close === -1) return undefined
    return {
      token: text.slice(0, end) + text.slice(end + 1, close),
      rest: text.slice(skip(text, close + 1, blank))
    }
  }
  let from = skip(text, end + 1, blank)
  if (text[end] !== "=" && text[from] === "=") from = skip(text, from + 1, blank)
  return { token: text.slice(0, end), rest: text.slice(from) }
}

/**
 * Splits into words as ssh does: single and double quotes, and a backslash before a quote, a backslash or (outside
 * quotes) a blank. Any other backslash stands for itself, so that Windows paths need no quoting. A `#` where a word
 * would begin ends the line. `undefined` where a quote is not closed.
 */
export const splitArguments = (text: string): ReadonlyArray<string> | undefined => {
  const words: Array<string> = []
  let at = 0
  for (;;) {
    at = skip(text, at, " \t")
    if (at === text.length || text[at] === "#") return words
    let word = ""
    let quote = ""
    for (; at < text.length; at++) {
      const character = text.charAt(at)
      const following = text[at + 1]
      if (character === "\\") {
        const escapes =
          following === "'" || following === '"' || following === "\\" || (quote === "" && following === " ")
        if (escapes) at++
        word += escapes ? following : character
      } else if (quote === "" && (character === " " || character === "\t")) break
      else if (quote === "" && (character === '"' || character === "'")) quote = character
      else if (quote !== "" && character === quote) quote = ""
      else word += character
    }
    if (quote !== "") return undefined
    words.push(word)
  }
}

const trimEnd = (text: string): string => {
  let end = text.length
  while (end > 1 && `${blank}\f`.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** One line as ssh reads it: `undefined` for an empty line or a comment, else a directive or why it is none. */
export const readLine = (
  text: string,
  location: string | undefined
): Result.Result<ConfigLine | undefined, { readonly word: string; readonly detail: string }> => {
  let next = nextToken(trimEnd(text))
  if (next?.token === "") next = nextToken(next.rest)
  if (next === undefined) return Result.fail({ word: text.trim(), detail: "a quote is not closed" })
  const { rest, token } = next
  if (token === "" || token.startsWith("#")) return Result.succeed(undefined)
  const keyword = token.toLowerCase()
  if (rest === "") return Result.fail({ word: token, detail: "no value follows the keyword" })
  const args = splitArguments(rest)
  if (args === undefined) return Result.fail({ word: token, detail: "a quote in its value is not closed" })
  return Result.succeed({ keyword, rest, args, location })
}
