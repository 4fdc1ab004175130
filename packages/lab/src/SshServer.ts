/**
 * What every SSH server of the lab has in common, so that one test can run against all of them.
 *
 * @since 0.1.0
 */
import type { Effect } from "effect"
import type { KeyPair } from "./KeyPair.ts"
import type { LabError } from "./LabError.ts"

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
 * What can be done to a server that is a program of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerControls {
  /** Process id of the listener. */
  readonly pid: Effect.Effect<number, LabError>
  /** Waits until the log has the pattern, and returns the whole log. */
  readonly awaitLog: (pattern: RegExp) => Effect.Effect<string>
  /** Kills every session with its commands; the server goes on listening. */
  readonly endSessions: Effect.Effect<void, LabError>
  /** Kills the server and its sessions; the port refuses connections. */
  readonly stop: Effect.Effect<void>
  /** Stops it and starts it again on the same port with the same keys. */
  readonly restart: Effect.Effect<void, LabError>
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
