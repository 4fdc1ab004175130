/**
 * What happens while a connection is made, stage by stage.
 *
 * @since 0.1.0
 */
import type { Algorithms } from "./SshAlgorithms.ts"
import type { AuthAttempt } from "./SshError.ts"

/**
 * A stage of connecting, in the order in which they come.
 *
 * @since 0.1.0
 * @category models
 */
export type Stage = "dns" | "tcp" | "banner" | "kex" | "host-key" | "auth"

/**
 * One event: a stage that is over with its duration in milliseconds, or a detail within a stage. Nothing in it is
 * secret; texts that a server sent are data.
 *
 * @since 0.1.0
 * @category models
 */
export type SshConnectEvent =
  | { readonly _tag: "StageDone"; readonly stage: Stage; readonly durationMs: number; readonly detail: string }
  | { readonly _tag: "Identified"; readonly identification: string }
  | { readonly _tag: "Offered"; readonly ours: Algorithms; readonly theirs: Algorithms }
  | { readonly _tag: "Negotiated"; readonly chosen: Algorithms }
  | { readonly _tag: "HostKeyShown"; readonly keyType: string; readonly fingerprint: string }
  | { readonly _tag: "AuthTried"; readonly attempt: AuthAttempt }
  | { readonly _tag: "BannerShown"; readonly text: string }
