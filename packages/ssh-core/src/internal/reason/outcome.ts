export { Outcome } from "@toehold/shell/Outcome"

/** `host:port` as people write it: an IPv6 address in brackets, so that the port stays apart from it. */
export const address = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
