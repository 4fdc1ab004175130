import { Effect, Result } from "effect"
import type { Platform } from "../../ClientPlatform.ts"
import type { SshError } from "../../SshError.ts"
import { parseAddress } from "../sshTarget/address.ts"
import { connectionHash, expandTokens, type Tokens } from "./expand.ts"
import type { Complaint } from "./keyword.ts"
import { nextToken } from "./line.ts"
import { matchPatternList } from "./pattern.ts"
import type { Settings } from "./settings.ts"

/** What a `Match` line is compared with. */
export interface MatchContext {
  readonly settings: Settings
  readonly platform: Platform
  /** As the caller named the machine. */
  readonly originalHost: string
  /** The same, or what it has become in the final pass. */
  readonly host: string
  readonly isFinalPass: boolean
  /** Runs a `Match exec` command and says whether it succeeded; without it such a line fails. */
  readonly exec: ((command: string) => Effect.Effect<boolean, SshError>) | undefined
}

/** How a `Match` line came out. */
export interface Matched {
  readonly applies: boolean
  /** `true` when the line asks for a second pass over the files. */
  readonly wantsFinalPass: boolean
}

/** Values of the tokens that depend on nothing but the platform, the target and what has been set so far. */
export const tokensOf = (
  { originalHost, platform, settings }: Pick<MatchContext, "originalHost" | "platform" | "settings">,
  host: string,
  keyAlias: string
): Tokens => {
  const port = `${settings.port ?? 22}`
  const user = settings.user ?? platform.userName
  const lastHop = parseAddress(settings.proxyJump?.at(-1) ?? "")
  const jump = Result.isSuccess(lastHop) ? lastHop.success.host : ""
  return {
    C: connectionHash([platform.hostName, host, port, user, jump]),
    L: platform.hostName.split(".", 1)[0] ?? "",
    d: platform.homeDir,
    h: host,
    i: `${platform.uid ?? ""}`,
    j: jump,
    k: keyAlias,
    l: platform.hostName,
    n: originalHost,
    p: port,
    r: user,
    u: platform.userName
  }
}

const fail = (detail: string, hint?: string) => Effect.fail<Complaint>({ detail, hint })

/**
 * Decides whether a `Match` line applies. Every criterion is read even when an earlier one has already failed, so that
 * a faulty line is always reported; only commands are not run for nothing.
 */
export const evaluateMatch = Effect.fnUntraced(function* (
  rest: string,
  context: MatchContext
): Effect.fn.Return<Matched, Complaint | SshError> {
  const { isFinalPass, originalHost, platform, settings } = context
  const hostName = settings.hostName
  const host =
    hostName === undefined
      ? context.host
      : isFinalPass
        ? hostName
        : yield* Result.match(expandTokens(hostName, { h: context.host }), {
            onFailure: (detail) => fail(`HostName "${hostName}": ${detail}`),
            onSuccess: Effect.succeed
          })
  const user = settings.user ?? platform.userName
  let remaining = rest
  let applies = true
  let wantsFinalPass = false
  let criteria = 0
  const take = (): string | undefined => {
    const next = nextToken(remaining)
    remaining = next?.rest ?? ""
    return next?.token
  }
  for (let word = take(); word !== undefined && word !== "" && !word.startsWith("#"); word = take()) {
    const negated = word.startsWith("!")
    const criterion = (negated ? word.slice(1) : word).toLowerCase()
    if (criterion === "all") {
      const extra = take()
      // One may stand before it: "final all" and "canonical all" are what the manual has in mind.
      if (criteria > 1 || (extra !== undefined && extra !== "" && !extra.startsWith("#"))) {
        return yield* fail("all can't be combined with other criteria")
      }
      return { applies: applies && !negated, wantsFinalPass }
    }
    criteria++
    let fits: boolean
    if (criterion === "final" || criterion === "canonical") {
      if (criterion === "final") wantsFinalPass = true
      fits = isFinalPass
    } else {
      const list = take()
      if (list === undefined || list === "" || list.startsWith("#")) {
        return yield* fail(`the criterion "${word}" has no value`)
      }
      switch (criterion) {
        case "host":
          fits = matchPatternList(host.toLowerCase(), list.toLowerCase())
          break
        case "originalhost":
          fits = matchPatternList(originalHost.toLowerCase(), list.toLowerCase())
          break
        case "user":
          fits = matchPatternList(user, list)
          break
        case "localuser":
          fits = matchPatternList(platform.userName, list)
          break
        case "exec": {
          if (!applies) continue
          if (context.exec === undefined) {
            return yield* fail(
              "running a command to decide whether a block applies is not allowed",
              "Write the condition with Host or Match host, or allow commands in configuration files."
            )
          }
          const command = expandTokens(list, tokensOf(context, host, settings.hostKeyAlias ?? host))
          if (Result.isFailure(command)) return yield* fail(command.failure)
          fits = yield* context.exec(command.success)
          break
        }
        default:
          return yield* fail(
            `the criterion "${word}" is not supported`,
            "Supported are host, originalhost, user, localuser, all, final and canonical."
          )
      }
    }
    if (fits === negated) applies = false
  }
  if (criteria === 0) return yield* fail("a criterion is missing")
  return { applies, wantsFinalPass }
})
