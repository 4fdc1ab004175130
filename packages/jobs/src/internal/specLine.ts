/** A job's command as what the start script reads: one line of shell text, and what identifies it. */
import { Duration, Effect, Redacted, Result } from "effect"
import { CommandLine } from "effect/process"
import * as ShellFolder from "@toehold/shell/ShellFolder"
import type { JobSpec } from "../JobSpec.ts"
import * as JobsError from "../JobsError.ts"
import type { Description } from "./jobLine.ts"
import { newline, quote } from "./script/shellText.ts"
import { blockBytes } from "./script/supervise.ts"

const invalid = (argument: string, detail: string): Result.Result<never, JobsError.JobsError> =>
  Result.fail(JobsError.make(new JobsError.InvalidArgument({ argument, detail })))

const hasNul = (text: string): boolean => text.includes("\0")

/** The line sets everything and leaves the words of the command as the shell's own arguments. */
export const specLine = (spec: JobSpec): Result.Result<string, JobsError.JobsError> => {
  if (spec.words[0] === undefined || spec.words[0] === "") return invalid("The command", "it is empty")
  const parts = [newline]
  if (spec.cwd !== undefined) {
    if (spec.cwd === "") return invalid("The working folder", "it is empty")
    if (hasNul(spec.cwd)) return invalid("The working folder", "it holds a NUL, which no path can")
    parts.push(`unset CDPATH; cd -- ${ShellFolder.word(spec.cwd, quote)} || exit 126`)
  }
  for (const [name, value] of Object.entries(spec.env ?? {})) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return invalid(`The environment variable "${name}"`, "a name is letters, digits and _, and begins with no digit")
    }
    const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
    if (hasNul(text)) return invalid(`The environment variable "${name}"`, "it holds a NUL, which none can")
    parts.push(`export ${name}=${quote(text)}`)
  }
  const words = spec.kind === "shell" ? ["sh", "-c", ...spec.words] : spec.words
  if (words.some(hasNul)) return invalid("The command", "it holds a NUL, which no argument can")
  parts.push(`set -- ${words.map(quote).join(" ")}`)
  return Result.succeed(parts.join("; "))
}

const maxText = 1000

const shorten = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText)}…` : text)

/** The command as a person would type it. */
const display = (spec: JobSpec): string =>
  shorten(spec.kind === "shell" ? (spec.words[0] ?? "") : CommandLine.display(spec.words))

/** Of secrets only the names take part: a digest of a short one would give it away. */
export const describe = Effect.fnUntraced(function* (spec: JobSpec): Effect.fn.Return<Description> {
  const env = Object.entries(spec.env ?? {})
    .map(([name, value]) => (Redacted.isRedacted(value) ? [name] : [name, value]))
    .toSorted(([first = ""], [second = ""]) => (first < second ? -1 : 1))
  const identity = new TextEncoder().encode(JSON.stringify([spec.kind, spec.words, spec.cwd ?? null, env]))
  const hash = yield* Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", identity))
  const digest = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  return { command: display(spec), digest, ...(spec.cwd === undefined ? {} : { cwd: shorten(spec.cwd) }) }
})

const defaultMaxOutput = 256 * 1024 * 1024

const clamp = (least: number, value: number, most: number): number => Math.min(most, Math.max(least, value))

/** Bytes of a piece of output, bytes that are kept, and the time limit in seconds. */
export const limitsOf = (spec: JobSpec): Result.Result<readonly [number, number, number], JobsError.JobsError> => {
  const keep = spec.maxOutput ?? defaultMaxOutput
  if (!Number.isSafeInteger(keep) || keep < 0 || keep > 1e15) {
    return invalid("maxOutput", "it must be a whole number of bytes")
  }
  const piece = blockBytes * Math.ceil(clamp(64 * 1024, keep / 32, 64 * 1024 * 1024) / blockBytes)
  if (spec.timeLimit === undefined) return Result.succeed([piece, keep, 0])
  const seconds = Math.ceil(Duration.toSeconds(spec.timeLimit))
  return Number.isSafeInteger(seconds) && seconds > 0 && seconds < 1e9
    ? Result.succeed([piece, keep, seconds])
    : invalid("The time limit", "it must be more than 0 and end some day")
}
