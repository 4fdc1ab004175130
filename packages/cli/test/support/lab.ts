/** One real sshd for a file of tests, and the words that log in to it. */
import { NodeServices } from "@effect/platform-node"
import { Layer, Redacted } from "effect"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import type { SshServer } from "@toehold/lab/SshServer"

export const password = "correct horse battery"

export const sshd = OpenSshServer.layer({
  account: { password: Redacted.make(password) },
  hostKeyTypes: ["ed25519", "ecdsa"]
}).pipe(Layer.provideMerge(NodeServices.layer))

export const machineOf = (server: SshServer): string => `${server.user}@${server.host}:${server.port}`

/** Nothing of this machine's own: no configuration, no known hosts. */
export const bare = (server: SshServer): ReadonlyArray<string> => ["-F", "none", "--known-hosts", server.knownHostsPath]

export const withKey = (server: SshServer): ReadonlyArray<string> => [...bare(server), "-i", server.privateKeyPath]
