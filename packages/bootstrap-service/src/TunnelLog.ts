/**
 * What cloudflared says while it opens a quick tunnel, read as data: its log, and its metrics endpoint.
 *
 * @since 0.1.0
 */
import { Option, Schema } from "effect"

/**
 * What a log says so far: the tunnel's URL, whether an edge has taken it up, and why there is none. `rateLimited` holds
 * while no URL came after the refusal.
 *
 * @since 0.1.0
 * @category models
 */
export interface TunnelLog {
  readonly url: string | undefined
  readonly isRegistered: boolean
  readonly rateLimited: string | undefined
  /** The last line of level ERR, in which a failed QUIC attempt is no failure of the tunnel. */
  readonly error: string | undefined
}

/** Lines longer than this are none of cloudflared's. */
const maxLine = 2000

const tableUrl = /^\S{1,40} +INF +\| +(https?:\/\/[A-Za-z0-9.:[\]-]{1,253}\/?) +\|$/
const bareUrl = /https:\/\/([a-z0-9-]{1,63}\.trycloudflare\.com)(?=[\s/"']|$)/
const level = /^\S{1,40} +(ERR|FTL) +/

const isTunnelHost = (host: string): boolean => host !== "api.trycloudflare.com"

const urlIn = (line: string): string | undefined => {
  const table = tableUrl.exec(line)?.[1]
  if (table !== undefined) return table.replace(/\/$/, "") === "https://api.trycloudflare.com" ? undefined : table
  const bare = bareUrl.exec(line)?.[1]
  return bare === undefined || !isTunnelHost(bare) || level.test(line) ? undefined : `https://${bare}`
}

/**
 * Reads a log, or any part of one that begins at the start of a line. Of several URLs the last counts: cloudflared was
 * started again.
 *
 * @since 0.1.0
 * @category decoding
 */
export const read = (text: string): TunnelLog => {
  let url: string | undefined
  let isRegistered = false
  let rateLimited: string | undefined
  let error: string | undefined
  for (const raw of text.split("\n")) {
    const line = raw.slice(0, maxLine).trimEnd()
    const found = urlIn(line)
    if (found !== undefined) {
      url = found
      isRegistered = false
      rateLimited = undefined
      error = undefined
    }
    if (/ INF Registered tunnel connection\b/.test(line)) isRegistered = true
    if (level.test(line)) {
      error = line.replace(/^\S+ +/, "")
      if (/error code: 1015|429 Too Many Requests/.test(line)) rateLimited = error
    }
  }
  return { url, isRegistered, rateLimited, error }
}

/**
 * The URL in an answer of the metrics endpoint `/quicktunnel`; none for a process that is no quick tunnel.
 *
 * @since 0.1.0
 * @category decoding
 */
export const ofMetrics = (text: string): string | undefined =>
  Option.match(decodeMetrics(text), {
    onNone: () => undefined,
    onSome: ({ hostname }) =>
      /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::\d{1,5})?$/.test(hostname) && isTunnelHost(hostname)
        ? `https://${hostname}`
        : undefined
  })

const decodeMetrics = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ hostname: Schema.String })))

/**
 * The URL for a port in an answer of the portal's `/get-all-quick-tunnels`.
 *
 * @since 0.1.0
 * @category decoding
 */
export const ofPortal = (text: string, port: number): string | undefined =>
  Option.match(decodePortal(text), {
    onNone: () => undefined,
    onSome: (tunnels) =>
      tunnels.find(({ targetUrl, tunnelUrl }) => leadsTo(targetUrl, port) && ofFile(tunnelUrl) !== undefined)?.tunnelUrl
  })

const decodePortal = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Array(Schema.Struct({ targetUrl: Schema.String, tunnelUrl: Schema.String })))
)

const leadsTo = (target: string, port: number): boolean =>
  new RegExp(`^https?://(?:localhost|127\\.0\\.0\\.1|0\\.0\\.0\\.0|\\[::1\\]):${port}/?$`).test(target)

/**
 * The URL on the first line of a file such as `tunnel_url.txt`.
 *
 * @since 0.1.0
 * @category decoding
 */
export const ofFile = (text: string): string | undefined => {
  const url = /^(https?:\/\/[A-Za-z0-9.:[\]-]{1,253})\/?\s*$/.exec(text.slice(0, maxLine).split("\n", 1)[0] ?? "")?.[1]
  return url === undefined || url === "https://api.trycloudflare.com" ? undefined : url
}
