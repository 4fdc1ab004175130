import { isIPv6 } from "node:net"

/** The usual form of an address, by the rules of URLs, which are those of inet_aton(3) and RFC 5952. */
const parseUrlHost = (host: string): string | undefined => {
  const url = `http://${host}/`
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

/** `::ffff:102:304` as the resolver writes it: `::ffff:1.2.3.4`. */
const dotted = (address: string): string => {
  const parts = /^(::(?:ffff:)?)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (parts === null) return address
  const [, prefix = "", high = "", low = ""] = parts
  const bytes = [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
  return `${prefix}${bytes.join(".")}`
}

/**
 * A host the way ssh goes on with it: a name in lower case, a numeric address in its one usual form (`010.1` is
 * `8.0.0.1`). An address with a zone, of another family than the wanted one, or unusual only in the case of its letters
 * stays as it is.
 */
export const normalizeHost = (host: string, family: "any" | "inet" | "inet6"): string => {
  if (/^[0-9.]+$/.test(host)) return family === "inet6" ? host : (parseUrlHost(host) ?? host)
  if (host.includes("%")) return host
  if (!host.includes(":")) return host.toLowerCase()
  if (family === "inet" || !host.includes(":") || !isIPv6(host)) return host
  const usual = dotted(parseUrlHost(`[${host}]`)?.slice(1, -1) ?? host)
  return usual === host.toLowerCase() ? host : usual
}
