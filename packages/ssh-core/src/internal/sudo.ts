/** Runs a script as root through sudo, with its password given only when sudo asks for it. */
import { Context, Deferred, Duration, Effect, Redacted, Result } from "effect"
import { randomBytes } from "node:crypto"
import * as CapturedOutput from "../CapturedOutput.ts"
import * as SshError from "../SshError.ts"
import type { StartOptions } from "../SshExec.ts"
import type { Ending, OutputSink, RemoteProcess } from "./remoteProcess.ts"

/** Longer than a directory server or a fingerprint reader takes; what else it may ask for nobody can answer. */
export const SudoPatience = Context.Reference<Duration.Duration>("@toehold/ssh-core/SudoPatience", {
  defaultValue: () => Duration.minutes(1)
})

/** What sudo says before the command begins; a lecture, a reason. */
const maxHeard = 16 * 1024

const maxDetail = 1000

const refusals: ReadonlyArray<readonly [SshError.SudoRefused["refusal"], RegExp]> = [
  ["password-needed", /a password is required|no password was provided|a terminal is required/i],
  ["password-wrong", /incorrect (?:password|authentication)|try again|authentication fail/i]
]

const invalid = (argument: string, detail: string, hint?: string): Result.Result<never, SshError.SshError> =>
  Result.fail(
    SshError.make(new SshError.InvalidArgument({ argument, detail, ...(hint === undefined ? {} : { hint }) }))
  )

/**
 * The conversation that comes before a command. sudo starts a shell of root's, which says so and waits for the script:
 * nothing has run before that. The password is written only after sudo's prompt, a word that nothing else prints: where
 * sudo asks for none it would be the command's input.
 */
export class SudoTalk {
  /** What to run in the command's place. */
  readonly script: string
  /** Done when root's shell was given the command. */
  readonly ready: Deferred.Deferred<void> = Deferred.makeUnsafe()
  readonly #nonce = `toehold-${randomBytes(12).toString("hex")}`
  readonly #password: Redacted.Redacted<string> | undefined
  readonly #command: string
  #heard = ""
  #searched = 0
  #wasAsked = false
  #isWrong = false
  #isGivenUp = false

  /** The way to root, where the options ask for it. Fails with `InvalidArgument` where there can be none. */
  static make(
    { pty, sudo }: Pick<StartOptions, "pty" | "sudo">,
    command: string
  ): Result.Result<SudoTalk | undefined, SshError.SshError> {
    if (sudo === undefined || sudo === false) return Result.succeed(undefined)
    if (pty !== undefined && pty !== false) {
      const hint = "Leave the terminal out, or run sudo itself there and answer its question by interact."
      return invalid("sudo", "in a terminal its question can't be told from what the command prints", hint)
    }
    const password = sudo === true ? undefined : sudo.password
    if (password !== undefined && !/^[^\r\n\0]*$/.test(Redacted.value(password))) {
      return invalid("The password for sudo", "it holds a line break or a NUL, which no password can")
    }
    return Result.succeed(new SudoTalk(password, command))
  }

  private constructor(password: Redacted.Redacted<string> | undefined, command: string) {
    this.#password = password
    this.#command = command
    const nonce = this.#nonce
    const shell = `/bin/sh -c 'echo ${nonce} go >&2; IFS= read -r c && eval "$c"'`
    const asking = password === undefined ? "-n" : `-S -p '${nonce}?'`
    this.script =
      `if [ "$(id -u)" = 0 ]; then exec ${shell}; fi; ` +
      `command -v sudo >/dev/null 2>&1 || { echo ${nonce} none >&2; exit 127; }; exec sudo ${asking} -- ${shell}`
  }

  get isReady(): boolean {
    return Deferred.isDoneUnsafe(this.ready)
  }

  /** Ends when sudo has had its time and still waits for something: with what is to be said of it. */
  readonly overdue: Effect.Effect<{ readonly _tag: "Refused"; readonly error: SshError.SshError }> = Effect.gen(
    { self: this },
    function* () {
      yield* Effect.sleep(yield* SudoPatience)
      if (this.isReady) return yield* Effect.never
      this.giveUp()
      return { _tag: "Refused" as const, error: this.#refused("no-answer") }
    }
  )

  /** From here on the command is not begun any more, whatever sudo says. */
  giveUp(): void {
    this.#isGivenUp = true
  }

  /** Takes the conversation off the command's output. */
  sink(process: RemoteProcess, to: OutputSink): OutputSink {
    return {
      ...to,
      stdout: (chunk) => {
        if (this.isReady) to.stdout(chunk)
      },
      stderr: (chunk) => {
        const rest = this.isReady ? chunk : this.#hear(process, chunk)
        if (rest.length > 0) to.stderr(rest)
      }
    }
  }

  /** Why the command did not begin. */
  refusal(ending: Ending, whyClosed: string, name: string): SshError.SshError {
    if (ending._tag === "Unknown") {
      const nothing = { command: name, stdout: CapturedOutput.empty, stderr: CapturedOutput.empty }
      return SshError.make(new SshError.ConnectionLost({ ...nothing, detail: whyClosed, outcome: "did-not-run" }))
    }
    if (this.#isWrong) return this.#refused("password-wrong")
    if (this.#heard.includes(`${this.#nonce} none`)) return this.#refused("no-sudo")
    return this.#refused(refusals.find(([, pattern]) => pattern.test(this.#heard))?.[0] ?? "not-allowed")
  }

  #refused(refusal: SshError.SudoRefused["refusal"]): SshError.SshError {
    const said = this.#heard.replaceAll(`${this.#nonce}?`, "").replaceAll(`${this.#nonce} none`, "").trim()
    const detail = Buffer.from(said, "latin1").toString().slice(-maxDetail)
    return SshError.make(new SshError.SudoRefused({ refusal, detail }))
  }

  #hear(process: RemoteProcess, chunk: Buffer): Buffer {
    this.#heard += chunk.toString("latin1")
    const go = `${this.#nonce} go\n`
    const begin = this.#heard.indexOf(go, Math.max(0, this.#searched - go.length))
    if (begin !== -1) {
      if (this.#isGivenUp) return Buffer.alloc(0)
      process.channel.write(`${this.#command}\n`)
      Deferred.doneUnsafe(this.ready, Effect.void)
      return Buffer.from(this.#heard.slice(begin + go.length), "latin1")
    }
    const prompt = `${this.#nonce}?`
    for (;;) {
      const at = this.#heard.indexOf(prompt, this.#searched)
      if (at === -1) break
      this.#searched = at + prompt.length
      this.#answer(process)
    }
    this.#searched = Math.max(this.#searched, this.#heard.length - go.length)
    const surplus = this.#heard.length - maxHeard
    if (surplus > 0) {
      this.#heard = this.#heard.slice(surplus)
      this.#searched = Math.max(0, this.#searched - surplus)
    }
    return Buffer.alloc(0)
  }

  #answer(process: RemoteProcess): void {
    if (this.#wasAsked || this.#password === undefined) {
      // Asked again, it did not take it; the end of the input makes sudo give up.
      this.#isWrong = this.#wasAsked
      process.endInput()
      return
    }
    this.#wasAsked = true
    process.channel.write(`${Redacted.value(this.#password)}\n`)
  }
}
