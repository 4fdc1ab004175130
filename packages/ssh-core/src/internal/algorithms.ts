/**
 * The algorithms that are offered: the driver's own choice, asked for by name so that
 * it can be shown and compared. Its defaults are not part of its public face, hence the import of the file that holds
 * them.
 */
import { Effect } from "effect"
import type { Algorithms } from "../SshConnectEvent.ts"

interface Constants {
  readonly DEFAULT_KEX: ReadonlyArray<string>
  readonly DEFAULT_SERVER_HOST_KEY: ReadonlyArray<string>
  readonly DEFAULT_CIPHER: ReadonlyArray<string>
  readonly DEFAULT_MAC: ReadonlyArray<string>
}

/** What we offer; compression is named first only when it is asked for. */
export const offered = (options: { readonly compression: boolean }): Effect.Effect<Algorithms> =>
  Effect.promise((): Promise<{ readonly default: Constants }> => import("ssh2/lib/protocol/constants.js")).pipe(
    Effect.map(({ default: constants }) => ({
      kex: constants.DEFAULT_KEX,
      serverHostKey: constants.DEFAULT_SERVER_HOST_KEY,
      cipher: constants.DEFAULT_CIPHER,
      mac: constants.DEFAULT_MAC,
      compression: options.compression ? ["zlib@openssh.com", "none"] : ["none"]
    }))
  )

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
