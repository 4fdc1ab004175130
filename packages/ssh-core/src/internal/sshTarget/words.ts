import { Result } from "effect"
import type { SshError } from "../../SshError.ts"
import { failTarget } from "../invalidTarget.ts"

const blank = /[ \t\r]/

const shellDetail = "a shell would read more than one word or command into it"
const shellHint =
  "Paste the ssh command alone, without variables, pipes or redirections, and put single quotes around words with special characters."

/**
 * Splits a pasted command line, which is trimmed, into words. POSIX shells: single and double quotes, a backslash takes the next character
 * literally. Windows: a backslash is part of a path, both quotes only group. What a shell would replace or act on is
 * refused rather than taken literally.
 */
export const splitWords = (text: string, os: string): Result.Result<ReadonlyArray<string>, SshError> => {
  const isPosix = os !== "win32"
  const words: Array<string> = []
  let word: string | undefined
  let at = 0
  while (at < text.length) {
    const character = text.charAt(at)
    if (character === "\n") return failTarget(text.slice(at).trim(), "a second line follows", "Give one command line.")
    if (blank.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
      at++
    } else if (character === "'" || character === '"') {
      const end = readQuoted(text, at, isPosix)
      if (end === undefined) return failTarget(text.slice(at), "a quote is not closed")
      if (end.expands) return failTarget(end.text, shellDetail, shellHint)
      word = (word ?? "") + end.text
      at = end.next
    } else if (isPosix && character === "\\") {
      const following = text.charAt(at + 1)
      if (following === "") return failTarget("\\", "nothing follows the backslash")
      // A backslash at the end of a line joins it with the next.
      if (following === "\n") at += 2
      else if (text.startsWith("\r\n", at + 1)) at += 3
      else {
        word = (word ?? "") + following
        at += 2
      }
    } else {
      if (isReplaced(text, at, isPosix) || (isPosix ? ";&|<>()" : ";&|<>").includes(character)) {
        return failTarget(character, shellDetail, shellHint)
      }
      word = (word ?? "") + character
      at++
    }
  }
  if (word !== undefined) words.push(word)
  return Result.succeed(words)
}

/** Whether a shell would put something else here. PowerShell's `$` needs a name behind it: `\\host\c$` has none. */
const isReplaced = (text: string, at: number, isPosix: boolean): boolean =>
  isPosix ? "$`".includes(text.charAt(at)) : text[at] === "$" && /[A-Za-z_{(]/.test(text.charAt(at + 1))

const readQuoted = (
  text: string,
  from: number,
  isPosix: boolean
): { readonly text: string; readonly next: number; readonly expands: boolean } | undefined => {
  const quote = text.charAt(from)
  let inside = ""
  for (let at = from + 1; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === quote) return { text: inside, next: at + 1, expands: false }
    if (quote === '"') {
      if (isReplaced(text, at, isPosix)) return { text: character, next: at, expands: true }
      if (isPosix && character === "\\" && '\\"$`'.includes(text.charAt(at + 1))) {
        at++
        inside += text.charAt(at)
        continue
      }
    }
    inside += character
  }
  return undefined
}

const plainWord = /^[A-Za-z0-9_@%+=:,./[\]-]+$/

/** Quotes a word so that {@link splitWords} reads it back on either platform: no backslash escapes are needed. */
export const quoteWord = (word: string): string => (plainWord.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)
