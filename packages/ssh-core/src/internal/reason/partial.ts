import { Schema } from "effect"
import { CapturedOutput } from "../../CapturedOutput.ts"
import type { Outcome } from "./outcome.ts"

/** What a command that did not come to its end leaves behind. */
export const Partial = {
  /** The command as the caller named it, for display; never with secrets. */
  command: Schema.String,
  stdout: CapturedOutput,
  stderr: CapturedOutput
}

export const killedText = ({ killed, outcome }: { readonly killed: boolean; readonly outcome: Outcome }): string => {
  if (outcome === "did-not-run") return "it had not begun, and never will"
  return killed ? "its process group was killed" : "whether its processes are gone could not be confirmed"
}
