/**
 * One SFTP session: the requests of SFTP version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions, each as an
 * effect that fails with the cause in full. `SshFiles` makes a file system of it.
 *
 * @since 0.1.0
 */
import type { Effect, FileSystem } from "effect"
import type * as Attributes_ from "./internal/sftp/attributes.ts"
import type * as SshError from "./SshError.ts"

/**
 * What the protocol knows of a file. A server may leave out any of it, and what a change leaves out stays as it is. Times
 * are whole seconds since 1970, up to 2106.
 *
 * @since 0.1.0
 * @category models
 */
export type Attributes = Attributes_.Attributes

/**
 * A name in a directory, with what is known of it; a link is not followed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly name: string
  readonly type: FileSystem.File.Type
  readonly attributes: Attributes
}

/**
 * How a file is opened, as open(2) has it.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenOptions {
  readonly read?: boolean
  readonly write?: boolean
  /** Each write goes to the end of the file, wherever it is told to go. */
  readonly append?: boolean
  readonly create?: boolean
  readonly truncate?: boolean
  /** With `create`: fail where the name is taken, also by a link. */
  readonly exclusive?: boolean
  /** Permissions of a new file, less the machine's umask. Default: 0666. */
  readonly mode?: number | undefined
}

/**
 * An open file of one session. It is closed by {@link Sftp.close}, or with the session.
 *
 * @since 0.1.0
 * @category models
 */
export interface Handle {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * What one request may carry.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  readonly readBytes: number
  readonly writeBytes: number
}

/**
 * An SFTP session, open for as long as its scope or until the server or the connection ends. Every request ends with it:
 * those that were under way fail with `ConnectionLost`, which says whether they may have had an effect. Requests may be
 * made while others are under way, and are answered in order.
 *
 * **Gotchas**
 *
 * An interrupted request may still have its effect. Paths are relative to the account's home folder unless they are
 * absolute.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sftp {
  /** The extensions that the server offers, with their versions. */
  readonly extensions: ReadonlyMap<string, string>
  /** What the server allows in one request (`limits@openssh.com`), else what every server must. */
  readonly limits: Limits
  /** How long the server took to answer a small request, in milliseconds. */
  readonly roundTripMs: number
  readonly isOpen: () => boolean
  /** Succeeds when the session is over, with the reason in words. */
  readonly closed: Effect.Effect<string>
  /** Succeeds when a command or another channel needs a session and the server has none left. */
  readonly wanted: Effect.Effect<void>

  readonly open: (path: string, options: OpenOptions) => Effect.Effect<Handle, SshError.SshError>
  readonly close: (handle: Handle) => Effect.Effect<void, SshError.SshError>
  /** Closes without waiting for the answer. */
  readonly release: (handle: Handle) => void
  /** At most `length` bytes, fewer where the server likes; `undefined` at the end of the file. */
  readonly read: (
    handle: Handle,
    position: bigint,
    length: number
  ) => Effect.Effect<Uint8Array | undefined, SshError.SshError>
  /** Writes all of it, which must not be more than {@link Limits.writeBytes}. */
  readonly write: (handle: Handle, position: bigint, data: Uint8Array) => Effect.Effect<void, SshError.SshError>
  readonly fstat: (handle: Handle) => Effect.Effect<Attributes, SshError.SshError>
  readonly fsetstat: (handle: Handle, attributes: Attributes) => Effect.Effect<void, SshError.SshError>
  /** Fails with the code `ENOSYS` where the server can't. */
  readonly sync: (handle: Handle) => Effect.Effect<void, SshError.SshError>
  /** Copies on the machine itself; `length` 0 is all that there is. Fails with `ENOSYS` where the server can't. */
  readonly copyData: (
    from: { readonly handle: Handle; readonly position: bigint; readonly length: bigint },
    to: { readonly handle: Handle; readonly position: bigint }
  ) => Effect.Effect<void, SshError.SshError>

  readonly stat: (path: string) => Effect.Effect<Attributes, SshError.SshError>
  readonly lstat: (path: string) => Effect.Effect<Attributes, SshError.SshError>
  readonly setstat: (path: string, attributes: Attributes) => Effect.Effect<void, SshError.SshError>
  /** Of a link itself. Fails with `ENOSYS` where the server can't. */
  readonly lsetstat: (path: string, attributes: Attributes) => Effect.Effect<void, SshError.SshError>
  readonly readDirectory: (path: string) => Effect.Effect<ReadonlyArray<Entry>, SshError.SshError>
  readonly makeDirectory: (path: string, mode?: number) => Effect.Effect<void, SshError.SshError>
  readonly removeDirectory: (path: string) => Effect.Effect<void, SshError.SshError>
  readonly remove: (path: string) => Effect.Effect<void, SshError.SshError>
  /** Atomically in place of what is there, where the server can (`posix-rename@openssh.com`); else fails if it is. */
  readonly rename: (from: string, to: string) => Effect.Effect<void, SshError.SshError>
  readonly link: (from: string, to: string) => Effect.Effect<void, SshError.SshError>
  readonly symlink: (target: string, link: string) => Effect.Effect<void, SshError.SshError>
  readonly readLink: (path: string) => Effect.Effect<string, SshError.SshError>
  /** Absolute and free of links; what the path leads to must exist. */
  readonly realPath: (path: string) => Effect.Effect<string, SshError.SshError>
  /** Names for the ids that have one (`users-groups-by-id@openssh.com`). Fails with `ENOSYS` where the server can't. */
  readonly names: (
    uids: ReadonlyArray<number>,
    gids: ReadonlyArray<number>
  ) => Effect.Effect<
    { readonly users: ReadonlyMap<number, string>; readonly groups: ReadonlyMap<number, string> },
    SshError.SshError
  >
  /** Bytes that the account may still write where the path is. Fails with `ENOSYS` where the server can't tell. */
  readonly freeBytes: (path: string) => Effect.Effect<number, SshError.SshError>
}
