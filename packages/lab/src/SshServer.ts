/**
 * What every SSH server of the lab has in common, so that one test can run against all of them.
 *
 * @since 0.1.0
 */
import type { Effect } from "effect"
import type { KeyPair } from "./KeyPair.ts"

/**
 * A server that listens, and all that a client needs to log in to it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SshServer {
  readonly host: string
  readonly port: number
  readonly user: string
  /** The key that may log in. */
  readonly key: KeyPair
  /** Its file, in OpenSSH's format and mode 0600. */
  readonly privateKeyPath: string
  readonly hostKeys: ReadonlyArray<KeyPair>
  /** Lines of a `known_hosts` file, one for each host key. */
  readonly knownHosts: ReadonlyArray<string>
  /** A file with these lines. */
  readonly knownHostsPath: string
  /** Folder that is removed with the server: free for the test's own files. */
  readonly tempDir: string
  /** Everything that the server has logged. */
  readonly log: Effect.Effect<string>
}

/**
 * Arguments for the real `ssh` client that log in to the server and look at none of the user's own files. A command
 * follows.
 *
 * @since 0.1.0
 * @category accessors
 */
export const sshArguments = (server: SshServer): ReadonlyArray<string> => {
  const options = [
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${server.knownHostsPath}`,
    "GlobalKnownHostsFile=/dev/null"
  ]
  const place = ["-p", String(server.port), "-l", server.user, server.host]
  return ["-F", "none", "-i", server.privateKeyPath, ...options.flatMap((option) => ["-o", option]), ...place]
}

/**
 * The line of a `known_hosts` file for a key of a server on a port of its own.
 *
 * @since 0.1.0
 * @category accessors
 */
export const knownHostsLine = (host: string, port: number, key: KeyPair): string =>
  `[${host}]:${port} ${key.algorithm} ${key.blob.toString("base64")}`
