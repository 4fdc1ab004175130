import type { Platform } from "../../ClientPlatform.ts"
import type { Endpoint } from "../../PortForward.ts"
import type { Address } from "../streamEnd.ts"

const loopback = "127.0.0.1"

/** What this machine is to listen on. Nobody else's connections are taken unless an address says so. */
export const localListen = (end: Endpoint): Address => {
  if ("path" in end) return end
  const { host = loopback, port } = end
  if (host === "localhost") return { host: loopback, port }
  // Both families, as ssh has it.
  return { host: host === "" || host === "*" ? "::" : host, port }
}

/** What the machine is to listen on, as ssh asks for it: a server knows `localhost` as its loopback addresses. */
export const remoteListen = (end: Endpoint): Address => {
  if ("path" in end) return end
  const { host = "localhost", port } = end
  return { host: host === "*" ? "" : host, port }
}

/** Where a forwarding leads to; a port has a host there, or the loopback address is meant. */
export const target = (end: Endpoint): Address =>
  "path" in end ? end : { host: end.host === undefined || end.host === "" ? "localhost" : end.host, port: end.port }

/**
 * What the local path of a socket is to the system. Windows has named pipes, which may be written with slashes as well:
 * `//./pipe/name`. `undefined` for a path that it can't have.
 */
export const socketPath = (path: string, { os }: Pick<Platform, "os">): string | undefined => {
  if (os !== "win32") return path
  const pipe = path.replaceAll("/", "\\")
  return /^\\\\[.?]\\pipe\\./i.test(pipe) ? pipe : undefined
}
