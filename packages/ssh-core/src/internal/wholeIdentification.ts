import type * as Ssh2 from "ssh2"

type Parse = (chunk: Buffer, start: number, end: number) => void

/**
 * Of an identification that comes in more than two pieces, or behind lines that come one by one, the driver forgets all
 * but the first piece. So it is given everything at once when `isComplete`, which is asked at each piece.
 */
export const holdUntil = (client: Ssh2.Client, isComplete: () => boolean): void => {
  const { _protocol: protocol } = client as unknown as { readonly _protocol?: { parse: Parse } }
  if (protocol === undefined) return
  const parse = protocol.parse.bind(protocol)
  const held: Array<Buffer> = []
  const hold: Parse = (chunk, start, end) => {
    held.push(chunk.subarray(start, end))
    if (!isComplete()) return
    const whole = Buffer.concat(held)
    protocol.parse = parse
    parse(whole, 0, whole.length)
  }
  protocol.parse = hold
}
