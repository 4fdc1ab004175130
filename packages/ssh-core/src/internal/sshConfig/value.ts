import { Result } from "effect"
import type { AlgorithmList } from "./settings.ts"

/** Reads one value; fails with what is wrong with it. */
export type Parse<A> = (text: string) => Result.Result<A, string>

export const text: Parse<string> = Result.succeed

/** One of a few words, in any case, with what each stands for. */
export const choice =
  <const A>(values: Readonly<Record<string, A>>): Parse<A> =>
  (text) => {
    const key = text.toLowerCase()
    const value = Object.hasOwn(values, key) ? values[key] : undefined
    return value === undefined
      ? Result.fail(`"${text}" is none of ${Object.keys(values).join(", ")}`)
      : Result.succeed(value)
  }

export const flag = choice({ yes: true, true: true, no: false, false: false })

const maxInt = 2_147_483_647

export const count: Parse<number> = (text) => {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  return value <= maxInt ? Result.succeed(value) : Result.fail(`"${text}" is no whole number`)
}

const unitSeconds: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** A time as sshd_config(5) writes it: `90`, `1h30m`. In seconds; `undefined` for `none`. */
export const seconds: Parse<number | undefined> = (text) => {
  if (text === "none") return Result.succeed(undefined)
  const bad = Result.fail(`"${text}" is no time (write 30, 90s, 5m or 1h30m)`)
  if (text.length > 64 || !/^(?:[0-9]+[smhdw])*[0-9]*$/i.test(text)) return bad
  let total = 0
  for (const [, digits = "", unit = ""] of text.matchAll(/([0-9]+)([smhdw]?)/gi)) {
    total += Number(digits) * (unitSeconds[unit.toLowerCase()] ?? 1)
  }
  return total <= maxInt ? Result.succeed(total) : bad
}

const modes: Readonly<Record<string, AlgorithmList["mode"]>> = { "+": "append", "-": "remove", "^": "prepend" }

export const algorithms: Parse<AlgorithmList> = (text) => {
  const mode = modes[text.charAt(0)]
  const names = (mode === undefined ? text : text.slice(1)).split(",")
  return names.includes("")
    ? Result.fail("it is no list of algorithms")
    : Result.succeed({ mode: mode ?? "replace", names })
}
