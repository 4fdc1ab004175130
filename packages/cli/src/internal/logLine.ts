/** One line of log for one event: `time level message key=value…`, or the same as a JSON object. */

import { plain } from "./print.ts"

/** A log entry. Values may hold anything that a server said. */
export interface Entry {
  readonly time: string
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Deep enough for what is logged, and an end for what holds itself. */
const maxDepth = 3

/** Lists of names in one word, objects by dotted names: a person reads this. */
const pairs = (name: string, value: unknown, depth = 0): ReadonlyArray<string> => {
  if (isRecord(value) && depth < maxDepth) {
    return Object.entries(value).flatMap(([key, inner]) => pairs(`${name}.${key}`, inner, depth + 1))
  }
  if (Array.isArray(value)) return [`${name}=${word(value.map(String).join(","))}`]
  return value === undefined ? [] : [`${name}=${word(typeof value === "object" ? safeJson(value) : String(value))}`]
}

const word = (text: string): string => (/^[\w./:@,+=-]+$/.test(text) ? text : plain(JSON.stringify(text)))

const safeJson = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)) ?? '"?"'
  } catch {
    return '"?"'
  }
}

export const toText = ({ fields, level, message, time }: Entry): string =>
  [time, level, plain(message), ...Object.entries(fields).flatMap(([name, value]) => pairs(name, value))].join(" ")

export const toJson = ({ fields, level, message, time }: Entry): string => {
  const written = Object.entries(fields).filter(([, value]) => value !== undefined)
  // Each by itself, so that a field that can't be written doesn't take the others with it.
  const parts = written.map(([name, value]) => [name, JSON.parse(safeJson(value)) as unknown])
  const own = { time, level, message }
  // First in the line, and never a field's.
  return JSON.stringify({ ...own, ...Object.fromEntries(parts), ...own })
}
