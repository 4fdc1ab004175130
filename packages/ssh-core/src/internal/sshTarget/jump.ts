import { Result } from "effect"
import { formatAddress, parseAddress } from "./address.ts"

const maxHops = 16

/**
 * Reads what `-J` and `ProxyJump` take: hops with commas between them, or `none`, which gives an empty list. Fails with
 * what is wrong.
 */
export const parseJump = (spec: string): Result.Result<ReadonlyArray<string>, string> => {
  if (spec.toLowerCase() === "none") return Result.succeed([])
  const words = spec.split(",", maxHops + 1)
  if (words.length > maxHops) return Result.fail(`more than ${maxHops} jump hosts`)
  const hops: Array<string> = []
  for (const word of words) {
    const parsed = parseAddress(word)
    if (Result.isFailure(parsed)) return Result.fail(`a jump host can't be read: ${parsed.failure.message}`)
    const hop = formatAddress(parsed.success)
    if (hop === undefined) return Result.fail("the user name of a jump host holds characters that can't be passed on")
    hops.push(hop)
  }
  return Result.succeed(hops)
}
