/**
 * What a person may log in with. Public modules name these types, so nothing of the driver is in them: its declarations
 * are not among the dependencies that a user installs.
 */
import type { Redacted } from "effect"
import type { AuthAttempt } from "../SshError.ts"

export interface KeyCredential {
  readonly _tag: "Key"
  readonly source: string
  readonly keyType: string
  readonly fingerprint: string
  /** The private key in a form that the driver reads. */
  readonly privateKey: Redacted.Redacted<string>
}

export interface AgentCredential {
  readonly _tag: "Agent"
  readonly source: string
  readonly keyType: string
  readonly fingerprint: string
  readonly signer: unknown
}

/** A key that can't be offered, kept for the record. */
export interface SkippedCredential {
  readonly _tag: "Skipped"
  readonly source: string
  readonly detail: string
}

export type Credential = KeyCredential | AgentCredential | SkippedCredential

/** The methods that take a credential. */
export type AuthMethod = Exclude<AuthAttempt["method"], "none">
