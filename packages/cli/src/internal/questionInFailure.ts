/** The question for want of an answer to which a command failed, found in what it printed last. */
import { OutputCapture } from "@toehold/shell/OutputCapture"
import * as Prompt from "@toehold/shell/Prompt"
import type { CapturedOutput } from "@toehold/ssh-core/CapturedOutput"
import type { ExitStatus } from "@toehold/ssh-core/SshExec"

/** Of each stream this much is kept at least. */
const keptBytes = 2048

const end = (output: CapturedOutput): string => Buffer.from(output.bytes.subarray(-keptBytes)).toString("utf8")

/** A field for the documents of a command's end, where there is something to say. */
interface Field {
  readonly prompt?: Prompt.Prompt
}

export class QuestionInFailure {
  readonly #kept = { stdout: new OutputCapture(keptBytes), stderr: new OutputCapture(keptBytes) }

  push(stream: "stdout" | "stderr", data: Uint8Array): void {
    this.#kept[stream].push(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  }

  of(status: ExitStatus): Field {
    return QuestionInFailure.of(status, { stdout: this.#kept.stdout.result(), stderr: this.#kept.stderr.result() })
  }

  static of(
    status: ExitStatus,
    { stderr, stdout }: { readonly stdout: CapturedOutput; readonly stderr: CapturedOutput }
  ): Field {
    if (status.exitCode === 0 || status.exitCode === null) return {}
    const prompt = Prompt.inFailure(end(stderr)) ?? Prompt.inFailure(end(stdout))
    return prompt === undefined ? {} : { prompt }
  }
}
