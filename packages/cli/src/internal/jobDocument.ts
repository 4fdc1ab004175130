/** A job, and pieces of its output, as documents and as lines for a person. */
import { DateTime } from "effect"
import type { Gap, Piece } from "@toehold/jobs/JobOutput"
import { JobState, type JobStatus } from "@toehold/jobs/JobStatus"
import { decodeUtf8, unfinishedTail } from "./outputDocument.ts"
import { plain } from "./print.ts"

const timeOf = (time: DateTime.Utc | undefined): string | null => (time === undefined ? null : DateTime.formatIso(time))

export const statusDocument = (status: JobStatus) => {
  const { state } = status
  return {
    id: status.id,
    state: JobState.$match(state, {
      Running: () => "running",
      Exited: () => "exited",
      Killed: () => "killed",
      Lost: () => "lost"
    }),
    exitCode: state._tag === "Exited" ? state.exitCode : null,
    signal: state._tag === "Killed" ? state.signal : null,
    startedAt: timeOf(status.startedAt),
    endedAt: timeOf(status.endedAt),
    stdoutBytes: status.stdoutBytes,
    stderrBytes: status.stderrBytes,
    lostTo: state._tag === "Lost" ? state.cause : null,
    timedOut: status.timedOut,
    pid: status.pid ?? null,
    command: status.command,
    cwd: status.cwd ?? null
  }
}

export const statusLine = (status: JobStatus): string => {
  const { state } = status
  const words = JobState.$match(state, {
    Running: () => "running",
    Exited: ({ exitCode }) => `exited ${exitCode}`,
    Killed: ({ signal }) => `killed ${signal}`,
    Lost: ({ cause }) => (cause === "reboot" ? "lost to a reboot" : "lost: killed from outside")
  })
  return [
    status.id,
    status.timedOut ? `${words} (time limit)` : words,
    timeOf(status.startedAt) ?? "-",
    `${status.stdoutBytes}+${status.stderrBytes} bytes`,
    plain(status.command)
  ].join("  ")
}

export interface PieceDocument {
  readonly data: string
  readonly encoding: "utf8" | "base64"
  readonly offset: number
  readonly nextOffset: number
  readonly done: boolean
  readonly gap?: Gap
}

/** A character whose rest has not come yet belongs to the next piece. */
export const pieceDocument = ({ data, done, gap, offset, nextOffset }: Piece): PieceDocument => {
  const cut = done ? 0 : unfinishedTail(data)
  const text = data.length > cut ? decodeUtf8(data.subarray(0, data.length - cut)) : undefined
  const content =
    text === undefined
      ? { data: Buffer.from(data).toString("base64"), encoding: "base64" as const, offset, nextOffset }
      : { data: text, encoding: "utf8" as const, offset, nextOffset: nextOffset - cut }
  const whole = data.length === 0 ? { data: "", encoding: "utf8" as const, offset, nextOffset } : content
  return { ...whole, done, ...(gap === undefined ? {} : { gap: { from: gap.from, to: gap.to } }) }
}
