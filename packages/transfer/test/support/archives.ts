/** Members of tar archives as nobody honest makes them. */
import { blockSize, padding } from "../../src/internal/tarHeader.ts"

export interface Member {
  readonly name: string
  /** As tar(5) has it: `0` a file, `1` a further name, `2` a link, `5` a folder, `L` and `x` for names of the next. */
  readonly type?: string
  readonly data?: string | Uint8Array
  readonly target?: string
  /** Another size than that of the data. */
  readonly size?: string
  readonly mtime?: number
}

const encoder = new TextEncoder()

export const member = ({
  data = "",
  mtime = 1_700_000_000,
  name,
  size,
  target = "",
  type = "0"
}: Member): Uint8Array => {
  const content = typeof data === "string" ? encoder.encode(data) : data
  const block = new Uint8Array(blockSize)
  const put = (text: string, at: number) => void encoder.encodeInto(text, block.subarray(at))
  put(name.slice(0, 100), 0)
  put("0000644\0", 100)
  put("0000000\0", 108)
  put("0000000\0", 116)
  put(size ?? `${content.length.toString(8).padStart(11, "0")}\0`, 124)
  put(`${mtime.toString(8).padStart(11, "0")}\0`, 136)
  put("        ", 148)
  put(type, 156)
  put(target, 157)
  put("ustar\u000000", 257)
  put(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148
  )
  return Buffer.concat([block, content, padding(content.length)])
}

export const archive = (...members: ReadonlyArray<Member>): Buffer =>
  Buffer.concat([...members.map(member), new Uint8Array(2 * blockSize)])

/** A record of a pax header. */
export const pax = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  length += String(length + String(length).length).length
  return `${length}${rest}`
}
