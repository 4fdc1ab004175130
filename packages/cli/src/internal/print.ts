/** Results on standard output. */
import { Effect } from "effect"
import { StandardStreams } from "../StandardStreams.ts"

export const print = (text: string) => StandardStreams.use(({ stdout }) => stdout(text))

export const printJson = (document: unknown) => print(`${JSON.stringify(document)}\n`)

export const note = (text: string) => StandardStreams.use(({ stderr }) => Effect.ignore(stderr(`toehold: ${text}\n`)))

/**
 * A text from elsewhere (a comment, a server's words) for a line on a terminal: without control characters, which could
 * rewrite what stands around it.
 */
export const plain = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "\uFFFD")
