/** Counting the kernel's messages in a text that they disturbed. */
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
