/**
 * How far a transfer has come.
 *
 * @since 0.1.0
 */

/**
 * What is known at one moment. Events come twice a second at most, and once more at the end.
 *
 * **Gotchas**
 *
 * The totals grow while trees are still being listed, and files whose size isn't known beforehand (those of `/proc`) count
 * with nothing. After a lost connection `bytes` may go back to what had really arrived.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  /** Bytes of data that were handed to the target, those found there from an earlier run included. */
  readonly bytes: number
  readonly totalBytes: number
  /** Files in place. */
  readonly files: number
  readonly totalFiles: number
  /** Bytes a second, over the last ten seconds. */
  readonly rate: number
  /** Seconds left at this rate; `undefined` while nothing moves. */
  readonly eta: number | undefined
}
