import { Result } from "effect"
import { createHash } from "node:crypto"
import type { Platform } from "../../ClientPlatform.ts"

/** What each `%` letter stands for. */
export type Tokens = Readonly<Record<string, string>>

// A path or a name longer than this is of no use to anyone.
const maxExpanded = 64 * 1024

/** Replaces `%x` and, where `env` is given, `${NAME}`. Fails with what is wrong where one has no value. */
export const expandTokens = (text: string, tokens: Tokens, env?: Platform["env"]): Result.Result<string, string> => {
  let out = ""
  for (let at = 0; at < text.length; at++) {
    if (out.length > maxExpanded) return Result.fail("it is too long when expanded")
    if (env !== undefined && text.startsWith("${", at)) {
      const end = text.indexOf("}", at)
      if (end === -1) return Result.fail("a ${ is not closed by a }")
      const name = text.slice(at + 2, end)
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      if (value === undefined) return Result.fail(`the environment variable "${name}" is not set`)
      out += value
      at = end
    } else if (text[at] === "%") {
      at++
      const letter = text.charAt(at)
      const value = letter === "%" ? "%" : Object.hasOwn(tokens, letter) ? tokens[letter] : undefined
      if (value === undefined) return Result.fail(`%${letter} stands for nothing here (write %% for a percent sign)`)
      out += value
    } else out += text.charAt(at)
  }
  return Result.succeed(out)
}

const isSlash = (platform: Platform, character: string | undefined): boolean =>
  character === "/" || (platform.os === "win32" && character === "\\")

/**
 * Replaces a leading `~`. `~name` works for the user's own name only: other people's homes are in a database that
 * Node can't read.
 */
export const expandTilde = (text: string, platform: Platform): Result.Result<string, string> => {
  if (!text.startsWith("~")) return Result.succeed(text)
  let end = 1
  while (end < text.length && !isSlash(platform, text[end])) end++
  const name = text.slice(1, end)
  if (name !== "" && name !== platform.userName) {
    return Result.fail(`~${name} names another user's home: write its path out`)
  }
  while (end < text.length && isSlash(platform, text[end])) end++
  const separator = platform.os === "win32" ? "\\" : "/"
  const home = isSlash(platform, platform.homeDir.at(-1)) ? platform.homeDir : platform.homeDir + separator
  return Result.succeed(home + text.slice(end))
}

/** `%C`: SHA-1 over the local host, the remote host, the port, the user and the last jump host. */
export const connectionHash = (parts: ReadonlyArray<string>): string =>
  createHash("sha1").update(parts.join("")).digest("hex")
