/** Durations as flags have them: `500ms`, `15s`, `2m`, `1h`. */
import { Result } from "effect"

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The longest time that a timer of the platform can wait, about 24 days. */
const maxMillis = 2 ** 31 - 1

/** Milliseconds, more than 0; or what is wrong with the text. */
export const parseDuration = (text: string): Result.Result<number, string> => {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  if (digits === undefined || factor === undefined) {
    return Result.fail("it is no duration: write a number and its unit, such as 500ms, 15s, 2m or 1h")
  }
  const millis = Number(digits) * factor
  if (millis <= 0) return Result.fail("it must be more than 0")
  return millis > maxMillis ? Result.fail("it must be less than 24 days") : Result.succeed(millis)
}
