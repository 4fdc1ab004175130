/** A job as one line of a script's answer, and the description that the client gave it. */
import { DateTime, Result, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { JobState, type JobStatus } from "../JobStatus.ts"
import { readCount } from "./count.ts"

/** What the client wants to know again of a job. To the scripts it is one word. */
const Description = Schema.Struct({
  command: Schema.String,
  cwd: Schema.optionalKey(Schema.String),
  /** Of all that makes two commands the same. */
  digest: Schema.String
})
export type Description = typeof Description.Type

const DescriptionJson = Schema.fromJsonString(Description)
const encodeJson = Schema.encodeSync(DescriptionJson)
const decodeJson = Schema.decodeUnknownResult(DescriptionJson)

export const encodeDescription = (description: Description): string => Base64.encode(encodeJson(description))

const decodeDescription = (word: string): Description | undefined =>
  Base64.decodeString(word).pipe(Result.flatMap(decodeJson), Result.getOrUndefined)

export interface JobLine {
  readonly status: JobStatus
  readonly digest: string | undefined
}

/** The words after `J`, or nothing where they are not what the scripts print. */
export const readJobLine = (words: ReadonlyArray<string>): JobLine | undefined => {
  const [id, stateWord, code, end, flags, start, pid, outEnd, errEnd, about, ...more] = words
  if (id === undefined || about === undefined || more.length > 0) return undefined
  const state = readState(stateWord, code)
  const stdoutBytes = readCount(outEnd)
  const stderrBytes = readCount(errEnd)
  if (state === undefined || stdoutBytes === undefined || stderrBytes === undefined) return undefined
  const description = decodeDescription(about)
  return {
    status: {
      id,
      command: description?.command ?? "",
      cwd: description?.cwd,
      state,
      timedOut: flags === "timeout",
      pid: readCount(pid),
      startedAt: readTime(start),
      endedAt: readTime(end),
      stdoutBytes,
      stderrBytes
    },
    digest: description?.digest
  }
}

const readState = (word: string | undefined, code: string | undefined): JobState | undefined => {
  switch (word) {
    case "running":
      return JobState.Running()
    case "exited": {
      const exitCode = readCount(code)
      return exitCode === undefined ? undefined : JobState.Exited({ exitCode })
    }
    case "killed":
      return code !== undefined && /^[A-Z0-9+-]{1,16}$/.test(code)
        ? JobState.Killed({ signal: `SIG${code}` })
        : undefined
    case "lost":
      return JobState.Lost({ cause: code === "reboot" ? "reboot" : "outside" })
    default:
      return undefined
  }
}

/** Seconds of the machine's clock; one that is set to the year 30000 has no time that we can name. */
const readTime = (word: string | undefined): DateTime.Utc | undefined => {
  const seconds = readCount(word)
  return seconds === undefined || seconds > 253_402_300_799 ? undefined : DateTime.makeUnsafe(seconds * 1000)
}
