/**
 * What provisioning needs of a transport: local keys, a look at a port, and a login. Whoever speaks SSH provides it.
 *
 * @since 0.1.0
 */
import { Context, type Effect, type FileSystem, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { SshAddress } from "@toehold/vast-api/Instance"
import type { ProvisionError } from "./ProvisionError.ts"

/**
 * A private key of the client's. `problem` says why it can't be used: its halves don't match, others may read it, it has
 * a passphrase that nobody gave.
 *
 * @since 0.1.0
 * @category models
 */
export interface Identity {
  readonly path: string
  /** Such as `ssh-ed25519`. */
  readonly keyType: string
  /** `SHA256:` fingerprint of the public half. */
  readonly fingerprint: string
  /** The public half as one line of `authorized_keys`. */
  readonly publicKey: string
  readonly problem?: { readonly message: string; readonly fix: string } | undefined
}

/**
 * What is there to log in with, and where it was looked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Identities {
  readonly identities: ReadonlyArray<Identity>
  readonly searched: ReadonlyArray<string>
}

/**
 * What a port answers: an SSH server's greeting (`open`); a refusal (`refused`); a connection that closes without a
 * greeting (`closed`), as a proxy's does whose machine is not up; nothing at all (`filtered`); or that there is no way
 * there (`unreachable`).
 *
 * @since 0.1.0
 * @category models
 */
export interface PortReport {
  readonly state: "open" | "refused" | "closed" | "filtered" | "unreachable"
  readonly detail: string
}

/**
 * A machine that was logged in to.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenMachine {
  readonly processes: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly files: FileSystem.FileSystem
}

/**
 * Why a login failed: the server took none of the keys (`Denied`, with the fingerprints that were tried); it showed
 * another host key than the one on file for the instance (`HostKeyChanged`); it could not be reached or broke off
 * (`Unreachable`); or something else that `kind` names.
 *
 * @since 0.1.0
 * @category models
 */
export type LoginFailure =
  | { readonly _tag: "Denied"; readonly tried: ReadonlyArray<string>; readonly message: string }
  | { readonly _tag: "HostKeyChanged"; readonly message: string }
  | { readonly _tag: "Unreachable"; readonly message: string }
  | {
      readonly _tag: "Other"
      readonly kind: string
      readonly message: string
      readonly fix: string
      readonly isRetryable: boolean
      readonly cause: unknown
    }

/**
 * Whom to log in to, and with what. The host key is known by the instance and the kind of address, for ports are given
 * to others later. `renewHostKey` forgets the one on file: the container was made anew.
 *
 * @since 0.1.0
 * @category models
 */
export interface LoginRequest {
  readonly instance: number
  readonly address: SshAddress
  readonly identity: Identity
  readonly renewHostKey: boolean
}

/**
 * What is known of the container behind an instance since the last login: `generation` changes when it is made anew.
 *
 * @since 0.1.0
 * @category services
 */
export class ProvisionAccess extends Context.Service<
  ProvisionAccess,
  {
    /** Local private keys, in any order. */
    readonly identities: Effect.Effect<Identities, ProvisionError>
    /** Looks from where the login comes from. Fails with `JumpFailed` where that is a machine that can't be used. */
    readonly probe: (address: SshAddress) => Effect.Effect<PortReport, ProvisionError>
    /** Logs in as `root`; the scope's end closes the connection. */
    readonly login: (request: LoginRequest) => Effect.Effect<OpenMachine, LoginFailure, Scope.Scope>
    /** The mark of the container that the host key on file belongs to, as {@link remember} left it. */
    readonly remembered: (instance: number) => Effect.Effect<string | undefined>
    readonly remember: (instance: number, mark: string) => Effect.Effect<void>
  }
>()("@toehold/bootstrap-service/ProvisionAccess") {}
