/**
 * The log of a service: one JSON object a line on standard error, without secrets.
 *
 * @since 0.1.0
 */
import { Cause, type Layer, Logger, Redacted, References } from "effect"
import { anywhere } from "./internal/tokenText.ts"

/**
 * Names of fields whose values are left out, whoever logs them.
 *
 * @since 0.1.0
 * @category constants
 */
export const secretNames = /(authorization|cookie|credentials?|pass(word|phrase|wd)?|secret|token|(api|ssh)[-_]?key)$/i

const redacted = "<redacted>"

/** Tokens of this API, and user and password in a URL, wherever they stand. */
const scrub = (text: string): string =>
  text
    .replace(anywhere, redacted)
    .replace(/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@]{1,2048}@/gi, `$1${redacted}@`)
    .replace(/\b(bearer|basic)\s+[\w+/=.~-]{8,4096}/gi, `$1 ${redacted}`)

const maxDepth = 6
const maxText = 16 * 1024
const maxEntries = 200

/** A value as it may be written: bounded, and without what nobody may read. */
const shown = (value: unknown, depth = 0): unknown => {
  if (typeof value === "string") return scrub(value.length > maxText ? `${value.slice(0, maxText)}...` : value)
  if (typeof value === "bigint") return String(value)
  if (typeof value !== "object" || value === null) return value
  if (Redacted.isRedacted(value)) return redacted
  if (Cause.isCause(value)) return shown(Cause.pretty(value), depth)
  if (value instanceof Error) return shown(`${value.name}: ${value.message}`, depth)
  if (depth >= maxDepth) return "..."
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((entry) => shown(entry, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, maxEntries)
      .map(([name, entry]) => [
        name,
        secretNames.test(name) && entry !== undefined ? redacted : shown(entry, depth + 1)
      ])
  )
}

const isFields = (part: unknown): part is Record<string, unknown> =>
  typeof part === "object" && part !== null && !Redacted.isRedacted(part) && !Cause.isCause(part)

/** One line of the log. Texts make the message; objects that are logged beside them are fields. */
const line = Logger.make<unknown, string>(({ cause, date, fiber, logLevel, message }) => {
  const parts = Array.isArray(message) ? message : [message]
  const text = parts.filter((part) => !isFields(part)).map((part) => String(shown(part)))
  const fields = Object.assign({}, fiber.getRef(References.CurrentLogAnnotations), ...parts.filter(isFields))
  const own = { time: date.toISOString(), level: logLevel.toLowerCase(), message: text.join(" ") }
  const written = shown(fields)
  return JSON.stringify({
    ...own,
    ...(typeof written === "object" ? written : {}),
    ...(cause.reasons.length === 0 ? {} : { cause: shown(cause) }),
    ...own
  })
})

/**
 * The log, written by a function that takes one line without its end. From which level on is for Effect's
 * `MinimumLogLevel` to say.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (write: (line: string) => void): Layer.Layer<never> => Logger.layer([Logger.map(line, write)])
