/** A command's captured output as fields of a JSON document. */
import type { CapturedOutput } from "@toehold/ssh-core/CapturedOutput"

/** Where bytes are missing: `bytes` of them, from `offset` of the stream on. */
export interface Gap {
  readonly offset: number
  readonly bytes: number
}

export interface CommandOutput {
  readonly stdout: string
  readonly stderr: string
  readonly encoding: "utf8" | "base64"
  readonly stdoutBytes: number
  readonly stderrBytes: number
  readonly truncated: boolean
  /** Only where something is missing, and only the streams that it is missing of. */
  readonly omitted?: { readonly stdout?: Gap; readonly stderr?: Gap }
}

interface Kept {
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** Number of bytes at the end that begin a character whose rest is missing. */
export const unfinishedTail = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (isContinuation(byte)) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

/** Cutting output must not turn text into something else: half characters at the cut count as cut. */
const wholeCharacters = ({ head, tail }: Kept): Kept => {
  let start = 0
  while (start < 3 && isContinuation(tail[start])) start++
  return { head: head.subarray(0, head.length - unfinishedTail(head)), tail: tail.subarray(start) }
}

const textOf = ({ head, tail }: Kept): string | undefined => {
  const first = decodeUtf8(head)
  const second = decodeUtf8(tail)
  return first === undefined || second === undefined ? undefined : first + second
}

const keptOf = (output: CapturedOutput, isText: boolean): Kept =>
  !output.truncated ? { head: output.bytes, tail: new Uint8Array(0) } : isText ? wholeCharacters(output) : output

const gapOf = (output: CapturedOutput, kept: Kept): Gap | undefined =>
  output.truncated
    ? { offset: kept.head.length, bytes: output.totalBytes - kept.head.length - kept.tail.length }
    : undefined

export const outputFields = (stdout: CapturedOutput, stderr: CapturedOutput): CommandOutput => {
  const texts = [stdout, stderr].map((output) => textOf(keptOf(output, true)))
  const isText = texts.every((text) => text !== undefined)
  const encode = (output: CapturedOutput) => {
    const kept = keptOf(output, isText)
    const text = isText ? textOf(kept) : undefined
    return {
      text: text ?? Buffer.concat([kept.head, kept.tail]).toString("base64"),
      gap: gapOf(output, kept)
    }
  }
  const out = encode(stdout)
  const err = encode(stderr)
  const truncated = out.gap !== undefined || err.gap !== undefined
  return {
    stdout: out.text,
    stderr: err.text,
    encoding: isText ? "utf8" : "base64",
    stdoutBytes: stdout.totalBytes,
    stderrBytes: stderr.totalBytes,
    truncated,
    ...(truncated
      ? {
          omitted: {
            ...(out.gap === undefined ? {} : { stdout: out.gap }),
            ...(err.gap === undefined ? {} : { stderr: err.gap })
          }
        }
      : {})
  }
}
