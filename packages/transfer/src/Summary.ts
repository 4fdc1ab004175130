/**
 * What a transfer did.
 *
 * @since 0.1.0
 */

/**
 * One thing that a dry run would do, by its path in the tree.
 *
 * @since 0.1.0
 * @category models
 */
export interface Change {
  readonly action: "send" | "link" | "folder" | "touch" | "delete"
  readonly path: string
}

/**
 * What a transfer did, or, for a dry run, would do.
 *
 * @since 0.1.0
 * @category models
 */
export interface Summary {
  /** Files that were sent, further names of one file included. */
  readonly files: number
  /** Bytes in them. */
  readonly bytes: number
  /** Files and links that were there already. */
  readonly skipped: number
  readonly links: number
  readonly folders: number
  /** Paths that `delete` removed, a folder as one. */
  readonly deleted: ReadonlyArray<string>
  /** Devices, pipes, sockets, and links that `safeLinks` left out. */
  readonly leftOut: ReadonlyArray<string>
  /** What would be done, for a dry run; empty otherwise. */
  readonly changes: ReadonlyArray<Change>
  readonly durationMs: number
  /** Of the one file that was sent and verified, in hexadecimal. */
  readonly sha256?: string
}
