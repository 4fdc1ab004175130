import { Schema } from "effect"

export const Outcome = Schema.Literals(["did-not-run", "may-have-run", "finished"])
export type Outcome = typeof Outcome.Type

/** `host:port` as people write it: an IPv6 address in brackets, so that the port stays apart from it. */
export const address = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
