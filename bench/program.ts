/** The bundled program, as a user starts it. */
import type { SshServer } from "@toehold/lab/SshServer"
import { existsSync } from "node:fs"

const path = new URL("../apps/cli/dist/toehold.mjs", import.meta.url).pathname

/** Where the bundle is, or what to do about its absence. */
export const bundle = (): string => {
  if (!existsSync(path)) throw new Error("The program is not built: npm run build")
  return path
}

/** The words for a command on a server of the lab, which read no file of the person who runs the bench. */
export const execWords = (server: SshServer, ...command: ReadonlyArray<string>): ReadonlyArray<string> => {
  const files = ["-F", "none", "-i", server.privateKeyPath, "--known-hosts", server.knownHostsPath]
  const machine = `${server.user}@${server.host}:${server.port}`
  return [bundle(), "exec", machine, ...files, "--host-key", "strict", "--", ...command]
}
