/** How far a transfer is, for whoever watches: a bar on a terminal, a line now and then everywhere else. */
import { Clock, Effect } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { Progress } from "@toehold/transfer/Progress"
import { StandardStreams } from "../StandardStreams.ts"
import { note } from "./print.ts"

/** Between two lines; callers with an inactivity limit are promised one every 15 seconds. */
const lineMillis = 5000

const units = ["B", "kB", "MB", "GB", "TB"]

export const shownBytes = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export const shownRate = (bytesPerSecond: number): string => `${shownBytes(bytesPerSecond)}/s`

const shownTime = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

const shareOf = ({ bytes, totalBytes }: Progress): number =>
  totalBytes === 0 ? 1 : Math.min(1, Math.max(0, bytes / totalBytes))

export const lineOf = (progress: Progress): string => {
  const { bytes, eta, files, rate, totalBytes, totalFiles } = progress
  const percent = Math.floor(shareOf(progress) * 100)
  const left = eta === undefined ? "stalled" : `${shownTime(eta)} left`
  return (
    `${percent} % of ${shownBytes(totalBytes)} (${shownBytes(bytes)}), ` +
    `${files} of ${totalFiles} files, ${shownRate(rate)}, ${left}`
  )
}

/** Fits the width; `\r` and no line end, so that the next one takes its place. */
export const barOf = (progress: Progress, columns: number): string => {
  const { eta, files, rate, totalFiles } = progress
  const share = shareOf(progress)
  const words = [
    `${Math.floor(share * 100)} %`.padStart(5),
    `${files}/${totalFiles}`,
    shownRate(rate),
    eta === undefined ? "stalled" : shownTime(eta)
  ].join("  ")
  const width = Math.min(40, columns - words.length - 5)
  const full = Math.round(share * width)
  const bar = width < 5 ? "" : `[${"#".repeat(full)}${" ".repeat(width - full)}]`
  return `\r\u001b[K${`${bar}${words}`.slice(0, Math.max(0, columns - 1))}`
}

const clear = "\r\u001b[K"

/** Nothing is shown of what is over before anybody could read it. */
export const makeProgress = Effect.fnUntraced(function* (options: {
  readonly isQuiet: boolean
  readonly isJson: boolean
}) {
  const streams = yield* StandardStreams
  const { env } = yield* ClientPlatform
  const { stdout, terminal } = streams
  if (options.isQuiet) return { tell: undefined, end: Effect.void }
  const isBar = terminal !== undefined && !options.isJson && !env["CI"] && env["TERM"] !== "dumb"
  if (isBar) {
    const tell = (progress: Progress) => Effect.ignore(stdout(barOf(progress, terminal.columns)))
    return { tell, end: Effect.ignore(stdout(clear)) }
  }
  let last = yield* Clock.currentTimeMillis
  const tell = (progress: Progress) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (now - last < lineMillis) return
      last = now
      yield* note(lineOf(progress))
    }).pipe(Effect.provideService(StandardStreams, streams))
  return { tell, end: Effect.void }
})
