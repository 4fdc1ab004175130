/** Lines of programs, for people: bounded, without control characters, and without secrets. */
import { Redacted } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"

const maxLine = 500

/** A line as it is shown. A progress bar rewrites its line; the last version counts. */
export const shown = (line: string): string =>
  oneLine((line.split("\r").findLast((part) => part.trim() !== "") ?? "").slice(0, maxLine)).trimEnd()

/** The last lines that say something. */
export const lastLines = (text: string, count: number): ReadonlyArray<string> =>
  text
    .slice(-count * 4 * maxLine)
    .split("\n")
    .map(shown)
    .filter((line) => line.trim() !== "")
    .slice(-count)

/** Shorter ones would blot out words by chance. */
const minSecret = 6

/** Hides the values wherever a program prints them. */
export const masking = (secrets: Readonly<Record<string, Redacted.Redacted<string>>>): ((text: string) => string) => {
  const values = Object.values(secrets)
    .flatMap((secret) => [Redacted.value(secret), ...Redacted.value(secret).split("\n")])
    .filter((value) => value.length >= minSecret)
    .toSorted((first, second) => second.length - first.length)
  return (text) => values.reduce((masked, value) => masked.replaceAll(value, "***"), text)
}
