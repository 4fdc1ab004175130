/** What the arguments and flags of `toehold vast` mean. */
import { Effect } from "effect"
import type { Invocation } from "../commandSpec.ts"
import { vastClient } from "../machine.ts"

/** The client for Vast.ai. */
export const vast = Effect.flatten(vastClient)

const idPattern = /^[1-9]\d{0,14}$/

/** An instance by its number, with or without `vast:` before it. */
export const readInstance = (invocation: Invocation, index = 0) => {
  const text = invocation.argument(index)
  const digits = text.replace(/^vast:/, "")
  return idPattern.test(digits)
    ? Effect.succeed(Number(digits))
    : Effect.fail(invocation.usage(`"${text}" is no instance: write its number.`, "See: toehold vast instances"))
}

/** A number of something else, such as an offer or a key. */
export const readId = (invocation: Invocation, index: number, what: string, list: string) => {
  const text = invocation.argument(index)
  return idPattern.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(invocation.usage(`"${text}" is no ${what}: write its number.`, `See: ${list}`))
}

/** A number that is not below 0, in decimals. */
export const readNumber = (invocation: Invocation, flag: string) => {
  const text = invocation.one(flag)
  if (text === undefined) return Effect.undefined
  return /^\d{1,12}(?:\.\d{1,9})?$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(invocation.usage(`--${flag} ${text}: it is no number.`))
}

/** A whole number from 1 on. */
export const readCount = (invocation: Invocation, flag: string) => {
  const text = invocation.one(flag)
  if (text === undefined) return Effect.undefined
  return /^[1-9]\d{0,8}$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(invocation.usage(`--${flag} ${text}: it is no whole number from 1 on.`))
}
