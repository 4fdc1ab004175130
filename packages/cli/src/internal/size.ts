/** Sizes as flags have them: `4096`, `64KiB`, `10MB`. */
import { Result } from "effect"

const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3
}

/** Whole bytes, rounded down; or what is wrong with the text. */
export const parseSize = (text: string): Result.Result<number, string> => {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,3})?)([A-Za-z]{0,3})$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : units[unit.toLowerCase()]
  if (digits === undefined || factor === undefined) {
    return Result.fail("it is no size: write bytes, or a number and its unit, such as 64KiB or 10MB")
  }
  const bytes = Math.floor(Number(digits) * factor)
  return Number.isSafeInteger(bytes) ? Result.succeed(bytes) : Result.fail("it is too large")
}
