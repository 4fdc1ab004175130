/** One piece of a stream out of the answer of the follow script. */
import type { Gap, Piece, StreamName } from "../JobOutput.ts"
import { isDone } from "../JobStatus.ts"
import type { Item } from "./replies.ts"

/** The first run of output after the offset, with the gap before it; what comes after a second gap is for another call. */
export const pieceOf = (items: ReadonlyArray<Item>, stream: StreamName, asked: number): Piece => {
  const chunks: Array<Uint8Array> = []
  let gap: Gap | undefined
  let offset = asked
  let size = 0
  let total = 0
  let isOver = false
  let isBroken = false
  for (const item of items) {
    if (item._tag === "Job") {
      total = stream === "stdout" ? item.job.status.stdoutBytes : item.job.status.stderrBytes
      isOver = isDone(item.job.status)
    } else if (item._tag === "Gap") {
      isBroken ||= size > 0
      if (isBroken) continue
      gap = { from: gap?.from ?? item.from, to: item.to }
      offset = item.to
    } else if (item._tag === "Data" && !isBroken) {
      chunks.push(item.data)
      size += item.data.length
    }
  }
  const data = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    data.set(chunk, at)
    at += chunk.length
  }
  const nextOffset = offset + size
  return { data, offset, nextOffset, gap, done: isOver && nextOffset >= total }
}
