/** The program's log: structured lines on standard error, from the level that `--log-level` names. */
import { Effect, Layer, Logger, type LogLevel, References } from "effect"
import { StandardStreams } from "../StandardStreams.ts"
import { type Entry, toJson, toText } from "./logLine.ts"

const levels: Readonly<Record<string, LogLevel.LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  none: "None"
}

const isFields = (part: unknown): part is Record<string, unknown> => typeof part === "object" && part !== null

/** Texts make the message; objects that are logged beside them are fields. */
const split = (message: unknown): Pick<Entry, "message" | "fields"> => {
  const parts = Array.isArray(message) ? message : [message]
  return {
    message: parts
      .filter((part) => !isFields(part))
      .map(String)
      .join(" "),
    fields: Object.assign({}, ...parts.filter(isFields))
  }
}

export const layer = (
  level: string | undefined,
  format: string | undefined
): Layer.Layer<never, never, StandardStreams> =>
  Layer.unwrap(
    Effect.map(StandardStreams, ({ logLine }) => {
      const write = format === "json" ? toJson : toText
      const logger = Logger.make<unknown, void>(({ date, fiber, logLevel, message }) => {
        const { fields, message: text } = split(message)
        const annotations = fiber.getRef(References.CurrentLogAnnotations)
        logLine(
          write({
            time: date.toISOString(),
            level: logLevel.toLowerCase(),
            message: text,
            fields: { ...annotations, ...fields }
          })
        )
      })
      return Layer.merge(
        Logger.layer([logger]),
        Layer.succeed(References.MinimumLogLevel, levels[level ?? "warn"] ?? "Warn")
      )
    })
  )
