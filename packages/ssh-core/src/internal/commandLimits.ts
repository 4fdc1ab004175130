/** The limits of a command, and what is said where one is reached. */
import { Duration, Option } from "effect"
import type { Prompt } from "@toehold/shell/Prompt"
import * as SshError from "../SshError.ts"
import type { StartOptions } from "../SshExec.ts"

const defaultGrace = Duration.seconds(2)

export interface Limits {
  readonly timeout: Duration.Duration | undefined
  readonly idleTimeout: Duration.Duration | undefined
  readonly killGrace: Duration.Duration
}

export const limitsOf = (options: Pick<StartOptions, "timeout" | "idleTimeout" | "killGrace">): Limits => ({
  timeout: options.timeout === undefined ? undefined : Duration.fromInputUnsafe(options.timeout),
  idleTimeout: options.idleTimeout === undefined ? undefined : Duration.fromInputUnsafe(options.idleTimeout),
  killGrace: options.killGrace === undefined ? defaultGrace : Duration.fromInputUnsafe(options.killGrace)
})

export type Over = {
  readonly _tag: "Over"
  readonly reason: "CommandTimeout" | "IdleTimeout"
  readonly limit: Duration.Duration
}

export const over = (reason: Over["reason"], limit: Duration.Duration): Over => ({ _tag: "Over", reason, limit })

export type Asked = { readonly _tag: "Asked"; readonly prompt: Prompt }

/** The limit that is reached first where nothing at all comes, and when, after a part of the time for all has passed. */
export const firstLimit = (
  { idleTimeout, timeout }: Limits,
  spent: Duration.Duration
): Option.Option<{ readonly over: Over; readonly left: Duration.Duration }> => {
  const left = timeout === undefined ? undefined : Duration.subtract(timeout, spent)
  if (idleTimeout !== undefined && (left === undefined || Duration.isLessThan(idleTimeout, left))) {
    return Option.some({ over: over("IdleTimeout", idleTimeout), left: idleTimeout })
  }
  return timeout === undefined || left === undefined
    ? Option.none()
    : Option.some({ over: over("CommandTimeout", timeout), left })
}

export const outOfLimit = (
  over: Over | Asked,
  details: Pick<SshError.CommandTimeout, "command" | "stdout" | "stderr" | "killed" | "outcome">
): SshError.SshError => {
  if (over._tag === "Asked") {
    const { fix: advice, kind, text } = over.prompt
    return SshError.make(new SshError.PromptDetected({ ...details, kind, prompt: text, advice }))
  }
  const fields = { ...details, timeoutMs: Duration.toMillis(over.limit) }
  return SshError.make(
    over.reason === "CommandTimeout" ? new SshError.CommandTimeout(fields) : new SshError.IdleTimeout(fields)
  )
}
