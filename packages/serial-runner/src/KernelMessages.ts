/**
 * Messages of the machine's kernel (printk), which appear on a serial console in the middle of everything else.
 *
 * @since 0.1.0
 */
import { Stream } from "effect"

/**
 * A piece of a console's output: a line of the kernel's with its time in seconds since the boot, or anything else.
 *
 * @since 0.1.0
 * @category models
 */
export type Piece =
  | { readonly _tag: "Text"; readonly data: Uint8Array }
  | { readonly _tag: "Kernel"; readonly seconds: number; readonly message: string }

/** `[    1.701005] ` as printk writes it with its time. */
const stamp = /^\[ {0,4}(\d{1,10}\.\d{6})\] /
const longestStamp = 20
/** A message longer than the kernel's own limit is none. */
const longestLine = 2048

/**
 * Takes the kernel's messages out of a console's output. They may begin anywhere, also in the middle of another line;
 * each ends with its line.
 *
 * **Gotchas**
 *
 * A program that prints lines of the same form can't be told from the kernel.
 *
 * @since 0.1.0
 * @category streams
 */
export const split = <E, R>(output: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Piece, E, R> =>
  Stream.suspend(() => {
    let held: Buffer = Buffer.alloc(0)
    const push = (chunk: Uint8Array, isLast: boolean): ReadonlyArray<Piece> => {
      const data = Buffer.concat([held, chunk])
      const pieces: Array<Piece> = []
      let textFrom = 0
      let from = 0
      const text = (to: number): void => {
        if (to > textFrom) pieces.push({ _tag: "Text", data: new Uint8Array(data.subarray(textFrom, to)) })
      }
      for (;;) {
        const at = data.indexOf(0x5b, from)
        if (at === -1) break
        const head = data.toString("latin1", at, at + longestStamp)
        const seconds = stamp.exec(head)?.[1]
        const isCut = at + longestStamp > data.length && isStampSoFar(head)
        if (seconds === undefined && (!isCut || isLast)) {
          from = at + 1
          continue
        }
        const end = seconds === undefined ? -1 : data.indexOf(10, at)
        if (end === -1) {
          if (!isLast && data.length - at <= longestLine) {
            text(at)
            held = Buffer.from(data.subarray(at))
            return pieces
          }
          from = at + 1
          continue
        }
        text(at)
        const line = data.toString("utf8", at, end).replace(/\r$/, "").replace(stamp, "")
        pieces.push({ _tag: "Kernel", seconds: Number(seconds), message: line })
        textFrom = end + 1
        from = textFrom
      }
      text(data.length)
      held = Buffer.alloc(0)
      return pieces
    }
    return output.pipe(
      Stream.flatMap((chunk) => Stream.fromIterable(push(chunk, false))),
      Stream.concat(Stream.suspend(() => Stream.fromIterable(push(new Uint8Array(0), true))))
    )
  })

/** What has come of it may still become a stamp. */
const isStampSoFar = (head: string): boolean => /^\[ {0,4}(?:\d{0,10}|\d{1,10}\.\d{0,6}|\d{1,10}\.\d{6}\])$/.test(head)
