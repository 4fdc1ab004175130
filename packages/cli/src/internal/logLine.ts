/** One line of log for one event: `time level message key=value…`, or the same as a JSON object. */

/** A log entry. Values may hold anything that a server said. */
export interface Entry {
  readonly time: string
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Lists of names in one word, objects by dotted names: a person reads this. */
const pairs = (name: string, value: unknown): ReadonlyArray<string> => {
  if (isRecord(value)) return Object.entries(value).flatMap(([key, inner]) => pairs(`${name}.${key}`, inner))
  if (Array.isArray(value)) return [`${name}=${word(value.map(String).join(","))}`]
  return value === undefined ? [] : [`${name}=${word(typeof value === "object" ? safeJson(value) : String(value))}`]
}

const word = (text: string): string => (/^[\w./:@,+=-]+$/.test(text) ? text : JSON.stringify(text))

const safeJson = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)) ?? ""
  } catch {
    return String(value)
  }
}

export const toText = ({ fields, level, message, time }: Entry): string =>
  [time, level, message, ...Object.entries(fields).flatMap(([name, value]) => pairs(name, value))].join(" ")

export const toJson = ({ fields, level, message, time }: Entry): string => safeJson({ ...fields, time, level, message })
