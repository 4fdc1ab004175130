import { Result } from "effect"
import { InvalidTarget, make, type SshError } from "../SshError.ts"

const maxShown = 100

/**
 * A word as it may stand in a message: what comes before an `@` may be `user:password`, so it is left out as soon as it
 * holds a colon, and a long word is cut.
 */
export const showWord = (word: string): string => {
  const scheme = /^[a-z]{1,10}:\/\//i.exec(word)?.[0] ?? ""
  const at = word.lastIndexOf("@")
  const shown = at !== -1 && word.slice(scheme.length, at).includes(":") ? `${scheme}…${word.slice(at)}` : word
  return shown.length > maxShown ? `${shown.slice(0, maxShown)}…` : shown
}

/** Why a name of a machine, or a line of a configuration file, can't be used. */
export interface Fault {
  readonly word: string
  readonly detail: string
  readonly location?: string | undefined
  readonly hint?: string | undefined
}

export const invalidTarget = (fault: Fault): SshError =>
  make(
    new InvalidTarget({
      word: showWord(fault.word),
      detail: fault.detail,
      ...(fault.location === undefined ? {} : { location: fault.location }),
      ...(fault.hint === undefined ? {} : { hint: fault.hint })
    })
  )

export const failTarget = (word: string, detail: string, hint?: string): Result.Result<never, SshError> =>
  Result.fail(invalidTarget({ word, detail, hint }))
