/**
 * The algorithms of a connection: what a side offers, what was chosen, and what the user would rather have.
 *
 * @since 0.1.0
 */
import type { AlgorithmList } from "./SshConfig.ts"

/**
 * Names of algorithms by kind, best first: all that a side offers, or the one that was chosen (two for ciphers, MACs and
 * compression: from the client to the server, and back).
 *
 * @since 0.1.0
 * @category models
 */
export interface Algorithms {
  readonly kex: ReadonlyArray<string>
  readonly serverHostKey: ReadonlyArray<string>
  readonly cipher: ReadonlyArray<string>
  readonly mac: ReadonlyArray<string>
  readonly compression: ReadonlyArray<string>
}

/**
 * Lists that replace the default ones, or add to them or take from them, as in ssh_config(5).
 *
 * @since 0.1.0
 * @category models
 */
export interface AlgorithmPreferences {
  readonly ciphers?: AlgorithmList | undefined
  readonly macs?: AlgorithmList | undefined
  readonly keyExchange?: AlgorithmList | undefined
  readonly hostKey?: AlgorithmList | undefined
  /** What the user's own keys may sign with. */
  readonly publicKey?: AlgorithmList | undefined
}
