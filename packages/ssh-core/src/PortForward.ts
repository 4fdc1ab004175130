/**
 * A port forwarding as `-L`, `-R` and `-D` write it: what listens where, and what it is connected to.
 *
 * @since 0.1.0
 */
import { Result, Schema } from "effect"
import { failTarget } from "./internal/invalidTarget.ts"
import { parsePort } from "./internal/sshTarget/port.ts"
import type { SshError } from "./SshError.ts"

/**
 * One end of a forwarding: a TCP port, or the path of a Unix socket. `host` is missing where none was written: for a
 * listening end that is the loopback address.
 *
 * @since 0.1.0
 * @category models
 */
export const Endpoint = Schema.Union([
  Schema.Struct({ path: Schema.String }),
  Schema.Struct({ host: Schema.optionalKey(Schema.String), port: Schema.Int })
])

/**
 * @since 0.1.0
 * @category models
 */
export type Endpoint = typeof Endpoint.Type

/**
 * Which end listens: the client (`local`, `-L`), the server (`remote`, `-R`), or the client as a SOCKS proxy
 * (`dynamic`, `-D`).
 *
 * @since 0.1.0
 * @category models
 */
export const Kind = Schema.Literals(["local", "remote", "dynamic"])

/**
 * @since 0.1.0
 * @category models
 */
export type Kind = typeof Kind.Type

/**
 * A port forwarding. `connect` is missing for a SOCKS proxy: a `dynamic` one, or a `remote` one without a destination.
 *
 * @since 0.1.0
 * @category models
 */
export class PortForward extends Schema.Class<PortForward>("@toehold/ssh-core/PortForward")({
  kind: Kind,
  listen: Endpoint,
  connect: Schema.optionalKey(Endpoint)
}) {}

interface Field {
  readonly text: string
  readonly isPath: boolean
}

/** Fields end at a colon; `[…]` takes colons literally, and a backslash takes the next character literally. */
const splitFields = (spec: string): ReadonlyArray<Field> | undefined => {
  const fields: Array<Field> = []
  let at = 0
  while (at < spec.length) {
    if (fields.length === 4) return undefined
    let text = ""
    let isPath = false
    if (spec[at] === "[") {
      const end = spec.indexOf("]", at)
      if (end === -1 || (end + 1 < spec.length && spec[end + 1] !== ":")) return undefined
      text = spec.slice(at + 1, end)
      isPath = text.includes("/")
      at = end + 2
    } else {
      for (; at < spec.length && spec[at] !== ":"; at++) {
        if (spec[at] === "\\") {
          at++
          if (at === spec.length) return undefined
        } else if (spec[at] === "/") isPath = true
        text += spec[at]
      }
      at++
    }
    fields.push({ text, isPath })
  }
  return fields
}

const tcp = (host: Field | undefined, port: Field, least: 0 | 1): Endpoint | undefined => {
  const number = parsePort(port.text, least)
  if (number === undefined || (host !== undefined && host.text.length > 1024)) return undefined
  return host === undefined ? { port: number } : { host: host.text, port: number }
}

// What sun_path holds on Linux, the terminating NUL excluded.
const maxSocketPath = 107

const socket = (field: Field): Endpoint | undefined =>
  field.text.length > maxSocketPath ? undefined : { path: field.text }

const listenOnly = (fields: ReadonlyArray<Field>): Endpoint | undefined => {
  const [first, second, third] = fields
  if (first === undefined || third !== undefined) return undefined
  if (second !== undefined) return tcp(first, second, 0)
  return first.isPath ? socket(first) : tcp(undefined, first, 0)
}

const bothEnds = (fields: ReadonlyArray<Field>): readonly [Endpoint, Endpoint] | undefined => {
  const [a, b, c, d] = fields
  const pair = (listen: Endpoint | undefined, connect: Endpoint | undefined) =>
    listen === undefined || connect === undefined ? undefined : ([listen, connect] as const)
  if (a === undefined || b === undefined) return undefined
  if (c === undefined) {
    if (!b.isPath) return undefined
    return pair(a.isPath ? socket(a) : tcp(undefined, a, 0), socket(b))
  }
  if (d !== undefined) return pair(tcp(a, b, 0), tcp(c, d, 1))
  if (a.isPath) return pair(socket(a), tcp(b, c, 1))
  if (c.isPath) return pair(tcp(a, b, 0), socket(c))
  return pair(tcp(undefined, a, 0), tcp(b, c, 1))
}

/**
 * Reads what stands behind `-L`, `-R` or `-D` (ssh(1)): `[bind:]port:host:hostport` with Unix socket paths allowed at
 * either end, or `[bind:]port` for a SOCKS proxy. Fails with `InvalidTarget`.
 *
 * **Gotchas**
 *
 * `${NAME}` and `%` tokens stay as they are; they are expanded in socket paths when a target is resolved. Unlike ssh, a
 * local port may be 0 as well: any that is free.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (kind: Kind, spec: string): Result.Result<PortForward, SshError> => {
  const fields = splitFields(spec.trimStart())
  const wanted = kind === "dynamic" ? "[bind:]port" : "[bind:]port:host:hostport"
  if (fields !== undefined) {
    const ends = kind === "dynamic" ? undefined : bothEnds(fields)
    if (ends !== undefined) return Result.succeed(new PortForward({ kind, listen: ends[0], connect: ends[1] }))
    const listen = kind === "local" ? undefined : listenOnly(fields)
    if (listen !== undefined) return Result.succeed(new PortForward({ kind, listen }))
  }
  return failTarget(spec, `not a forwarding, which is written ${wanted}`)
}

const formatField = (text: string): string => text.replace(/[\\:]|^\[/g, (special) => `\\${special}`)

/**
 * Writes one end as it stands in a forwarding.
 *
 * @since 0.1.0
 * @category formatting
 */
export const formatEndpoint = (end: Endpoint): string => {
  if ("path" in end) return formatField(end.path)
  return end.host === undefined ? `${end.port}` : `${formatField(end.host)}:${end.port}`
}

/**
 * Writes a forwarding the way {@link parse} reads it.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = (forward: PortForward): string =>
  forward.connect === undefined
    ? formatEndpoint(forward.listen)
    : `${formatEndpoint(forward.listen)}:${formatEndpoint(forward.connect)}`
