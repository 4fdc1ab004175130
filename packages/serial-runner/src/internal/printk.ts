/** The kernel's messages in the middle of something else. */
import type { CapturedOutput } from "@toehold/shell/CapturedOutput"

/** `[    1.701005] ` as printk writes it with its time. */
const stamp = /\[ {0,4}\d{1,10}\.\d{6}\] $/
const longest = 20

const countIn = (bytes: Uint8Array): number => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let count = 0
  for (let at = data.indexOf("] "); at !== -1; at = data.indexOf("] ", at + 2)) {
    if (stamp.test(data.toString("latin1", Math.max(0, at + 2 - longest), at + 2))) count += 1
  }
  return count
}

/** How many there are in what was kept; a program that prints lines of the same form counts as well. */
export const countMessages = ({ head, tail }: CapturedOutput): number => countIn(head) + countIn(tail)

const message = /\[ {0,4}\d{1,10}\.\d{6}\] [^\n]{0,2048}\n/g

/** What is left without them: they may begin anywhere, and each ends with its line. */
export const withoutMessages = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString("latin1").replace(message, ""), "latin1")
