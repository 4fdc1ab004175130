/** The flags of `toehold vast offers`, as a query. */
import { Effect } from "effect"
import * as Offer from "@toehold/vast-api/Offer"
import type { Invocation } from "../commandSpec.ts"
import type { UsageError } from "../../UsageError.ts"
import { bounds } from "./offerFlags.ts"
import { readCount, readNumber } from "./read.ts"

type Filters = { -readonly [field in Offer.Field]?: Offer.Comparison }

const words = Object.keys(Offer.Offer.fields).filter((name) => name !== "public_ipaddr" && name !== "verification")
const fields: ReadonlyArray<string> = [...words, "verified", "external", "datacenter"]

const isField = (name: string): name is Offer.Field => fields.includes(name)

const operators = { "=": "eq", "==": "eq", "!=": "neq", ">=": "gte", "<=": "lte", ">": "gt", "<": "lt" } as const

const valueOf = (text: string): string | number | boolean =>
  text === "true" || text === "false"
    ? text === "true"
    : /^-?\d{1,12}(?:\.\d{1,9})?$/.test(text)
      ? Number(text)
      : text.replaceAll("_", " ")

const unknownField = (invocation: Invocation, flag: string, text: string): UsageError =>
  invocation.usage(`--${flag} ${text}: it names no field of an offer.`, `The fields are: ${fields.join(", ")}.`)

const readCondition = Effect.fnUntraced(function* (invocation: Invocation, text: string) {
  const [, field = "", operator = "", value = ""] =
    /^\s*(\w{1,40})\s*(==|!=|>=|<=|=|>|<)\s*(.{1,200})$/.exec(text) ?? []
  if (field === "") return yield* invocation.usage(`--where ${text}: write FIELD, = != > >= < or <=, and a value.`)
  if (!isField(field)) return yield* unknownField(invocation, "where", text)
  const side = operators[operator as keyof typeof operators] // what the pattern lets through
  const wanted = valueOf(value.trim())
  const isOrder = side !== "eq" && side !== "neq"
  if (isOrder && typeof wanted !== "number") {
    return yield* invocation.usage(`--where ${text}: ${operator} wants a number.`)
  }
  return { field, comparison: { [side]: wanted } satisfies Offer.Comparison }
})

const readFilters = Effect.fnUntraced(function* (invocation: Invocation) {
  const filters: Filters = {}
  const add = (field: Offer.Field, comparison: Offer.Comparison): void => {
    filters[field] = { ...filters[field], ...comparison }
  }
  const names = invocation.all("gpu").map((name) => name.replaceAll("_", " "))
  if (names.length > 0) add("gpu_name", { in: names })
  for (const [flag, field, side, factor] of bounds) {
    const value = yield* readNumber(invocation, flag)
    if (value !== undefined) add(field, { [side]: value * factor })
  }
  const regions = invocation.all("region").map((code) => code.toUpperCase())
  const odd = regions.find((code) => !/^[A-Z]{2}$/.test(code))
  if (odd !== undefined) return yield* invocation.usage(`--region ${odd}: write the two letters of a country.`)
  if (regions.length > 0) add("geolocation", { in: regions })
  if (invocation.has("static-ip")) add("static_ip", { eq: true })
  if (invocation.has("datacenter")) add("datacenter", { eq: true })
  if (invocation.has("unverified")) filters.verified = {}
  for (const text of invocation.all("where")) {
    const { comparison, field } = yield* readCondition(invocation, text)
    add(field, comparison)
  }
  return filters
})

const readOrder = Effect.fnUntraced(function* (invocation: Invocation) {
  const order: Array<readonly [Offer.Field, "asc" | "desc"]> = []
  for (const text of invocation.all("order")) {
    const [, field = "", direction = "asc"] = /^(\w{1,40})(?::(asc|desc))?$/.exec(text) ?? []
    if (!isField(field)) return yield* unknownField(invocation, "order", text)
    order.push([field, direction === "desc" ? "desc" : "asc"])
  }
  return order
})

const defaultLimit = 20

export const readOfferQuery = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<Offer.Query, UsageError> {
  const order = yield* readOrder(invocation)
  const type = invocation.one("type")
  const storage = yield* readNumber(invocation, "storage")
  return {
    filters: yield* readFilters(invocation),
    type: type === "bid" || type === "reserved" ? type : "on-demand",
    ...(order.length === 0 ? {} : { order }),
    ...(storage === undefined ? {} : { storage }),
    limit: (yield* readCount(invocation, "limit")) ?? defaultLimit
  }
})
