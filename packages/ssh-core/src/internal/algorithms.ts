/**
 * The algorithms that are offered: the driver's own choice with the user's changes, asked for by name so that it can be
 * shown and compared. The driver's lists are not part of its public face, hence the import of the file that holds them.
 */
import { Effect } from "effect"
import type * as Ssh2 from "ssh2"
import type { AlgorithmList } from "../SshConfig.ts"
import type { AlgorithmPreferences, Algorithms } from "../SshAlgorithms.ts"
import type { SshPublicKey } from "../SshPublicKey.ts"
import { matchPattern } from "./sshConfig/pattern.ts"

/**
 * A list with the changes of ssh_config(5) made to it. Names that the driver does not have are left out, as they could
 * not be agreed on; where nothing is left the negotiation fails and shows both lists.
 */
export const applied = (
  change: AlgorithmList | undefined,
  defaults: ReadonlyArray<string>,
  supported: ReadonlyArray<string> = defaults
): ReadonlyArray<string> => {
  if (change === undefined) return defaults
  const named = change.names.flatMap((pattern) => supported.filter((name) => matchPattern(name, pattern)))
  const others = defaults.filter((name) => !named.includes(name))
  switch (change.mode) {
    case "replace":
      return [...new Set(named)]
    case "append":
      return [...new Set([...defaults, ...named])]
    case "prepend":
      return [...new Set([...named, ...others])]
    case "remove":
      return others
  }
}

/** What we offer, but for the host key, which depends on the host; compression is named only when it is asked for. */
export const offered = (
  preferences: AlgorithmPreferences,
  options: { readonly compression: boolean }
): Effect.Effect<Algorithms> =>
  Effect.promise(() => import("ssh2/lib/protocol/constants.js")).pipe(
    Effect.map(({ default: constants }) => ({
      kex: applied(preferences.keyExchange, constants.DEFAULT_KEX, constants.SUPPORTED_KEX),
      serverHostKey: constants.DEFAULT_SERVER_HOST_KEY,
      cipher: applied(preferences.ciphers, constants.DEFAULT_CIPHER, constants.SUPPORTED_CIPHER),
      mac: applied(preferences.macs, constants.DEFAULT_MAC, constants.SUPPORTED_MAC),
      compression: options.compression ? ["zlib@openssh.com", "none"] : ["none"]
    }))
  )

const signatureAlgorithms = (keyType: string): ReadonlyArray<string> =>
  keyType === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [keyType]

const allKeyAlgorithms = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  ...signatureAlgorithms("ssh-rsa")
]

/** Why a key of the user may not be used, if so, by PubkeyAcceptedAlgorithms and RequiredRSASize. */
export const keyObjection =
  (change: AlgorithmList | undefined, requiredRsaBits: number | undefined) =>
  (key: SshPublicKey): string | undefined => {
    const accepted = applied(change, allKeyAlgorithms)
    if (!signatureAlgorithms(key.type).some((name) => accepted.includes(name))) {
      return `PubkeyAcceptedAlgorithms does not allow ${key.type}`
    }
    if (key.type === "ssh-rsa" && requiredRsaBits !== undefined && key.bits < requiredRsaBits) {
      return `it has ${key.bits} bits, and RequiredRSASize asks for ${requiredRsaBits}`
    }
    return undefined
  }

/** The first kind, in the order of the negotiation, of which the two sides share nothing. */
export const firstMismatch = (
  ours: Algorithms,
  theirs: Algorithms
):
  | {
      readonly kind: "kex" | "host-key" | "cipher" | "mac" | "compression"
      readonly offered: ReadonlyArray<string>
      readonly serverOffers: ReadonlyArray<string>
    }
  | undefined => {
  const kinds = [
    ["kex", "kex"],
    ["host-key", "serverHostKey"],
    ["cipher", "cipher"],
    ["mac", "mac"],
    ["compression", "compression"]
  ] as const
  for (const [kind, field] of kinds) {
    if (!ours[field].some((name) => theirs[field].includes(name))) {
      return { kind, offered: ours[field], serverOffers: theirs[field] }
    }
  }
  return undefined
}

/** What was chosen, out of the driver's words. */
export const negotiated = (algorithms: Ssh2.NegotiatedAlgorithms): Algorithms => ({
  kex: [algorithms.kex],
  serverHostKey: [algorithms.serverHostKey],
  cipher: [algorithms.cs.cipher, algorithms.sc.cipher],
  mac: [algorithms.cs.mac, algorithms.sc.mac],
  compression: [algorithms.cs.compress, algorithms.sc.compress]
})

/** What to offer, in the driver's words. */
export const forDriver = (algorithms: Algorithms): Ssh2.Algorithms =>
  // The names come from the driver itself and from known_hosts narrowed to the driver's.
  ({
    kex: exactly(algorithms.kex),
    serverHostKey: exactly(algorithms.serverHostKey),
    cipher: exactly(algorithms.cipher),
    hmac: exactly(algorithms.mac),
    compress: exactly(algorithms.compression)
  }) as Ssh2.Algorithms

/** The driver takes an empty list for none given, and would offer all that it has. */
const exactly = (names: ReadonlyArray<string>) => (names.length > 0 ? [...names] : { remove: [/^/] })
