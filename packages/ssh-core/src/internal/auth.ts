/**
 * Which credential is offered next, and what became of each. The driver's own order starts with `none`, ignores what
 * the server still takes, and drops keys without a word; this one starts with a public key and records everything.
 */
import { Redacted } from "effect"
import type * as Ssh2 from "ssh2"
import { AuthAttempt } from "../SshError.ts"
import type { AuthMethod, Credential } from "./credential.ts"

/** What the server asked for in keyboard-interactive authentication. */
export interface Challenge {
  readonly prompts: ReadonlyArray<Ssh2.Prompt>
  readonly answer: (answers: Array<string>) => void
}

type Method = AuthAttempt["method"]

interface Step {
  readonly method: Method
  readonly attempt: Omit<AuthAttempt, "result" | "summary">
  readonly request: Ssh2.AnyAuthMethod
}

/** The state of one authentication. */
export class Authentication {
  readonly #user: string
  /** What is still to be offered in this round. */
  #steps: ReadonlyArray<Step>
  /** What a server that wants more than one method may want in a later round. */
  #unused: ReadonlyArray<Step>
  readonly #attempts: Array<AuthAttempt>
  #current: Step | undefined
  #offers: ReadonlyArray<string> = []

  constructor(options: {
    readonly user: string
    readonly credentials: ReadonlyArray<Credential>
    readonly password: Redacted.Redacted<string> | undefined
    /** Methods that may be used, best first. */
    readonly methods: ReadonlyArray<AuthMethod>
    readonly onChallenge: (challenge: Challenge) => void
  }) {
    this.#user = options.user
    this.#attempts = options.credentials
      .filter((credential) => credential._tag === "Skipped")
      .map(
        (credential) =>
          new AuthAttempt({
            method: "publickey",
            source: credential.source,
            result: "skipped",
            detail: credential.detail
          })
      )
    const steps: Readonly<Record<AuthMethod, ReadonlyArray<Step>>> = {
      publickey: options.credentials.flatMap((credential) => this.#keyStep(credential)),
      password: options.password === undefined ? [] : [this.#passwordStep(options.password)],
      "keyboard-interactive": options.password === undefined ? [] : [this.#challengeStep(options.onChallenge)]
    }
    const all = options.methods.flatMap((method) => steps[method])
    // Asking for nothing is how a server says what it would take.
    this.#steps = all.length > 0 ? all : [this.#question()]
    this.#unused = all
  }

  get attempts(): ReadonlyArray<AuthAttempt> {
    return this.#attempts
  }

  /** The methods that the server takes, as it said last. */
  get offers(): ReadonlyArray<string> {
    return this.#offers
  }

  /** The server's answer to the current attempt, when it was no. */
  rejected(offers: ReadonlyArray<string>, partial: boolean, detail?: string): void {
    this.#offers = offers
    if (partial) {
      // What the server did not take before it may take now, but for what it has taken.
      this.#unused = this.#unused.filter((step) => step !== this.#current)
      this.#steps = this.#unused
    }
    this.#record(partial ? "partial" : "rejected", detail)
  }

  /** The current attempt came to its end without an answer of the server. */
  failed(result: "rejected" | "skipped", detail: string): void {
    this.#record(result, detail)
  }

  accepted(): void {
    this.#record("accepted")
  }

  /** What to offer next, or `undefined` when nothing is left that the server would take. */
  next(): Ssh2.AnyAuthMethod | undefined {
    for (;;) {
      const [step, ...rest] = this.#steps
      this.#steps = rest
      if (step === undefined) return undefined
      if (this.#offers.length > 0 && !this.#offers.includes(step.method) && step.method !== "none") {
        this.#push(step, "skipped", `the server does not take ${step.method}`)
        continue
      }
      this.#current = step
      return step.request
    }
  }

  #record(result: AuthAttempt["result"], detail?: string): void {
    const step = this.#current
    this.#current = undefined
    // Asking with `none` is a question, not a credential that was refused.
    if (step === undefined || (step.method === "none" && result === "rejected")) return
    this.#push(step, result, detail)
  }

  #push(step: Step, result: AuthAttempt["result"], detail?: string): void {
    this.#attempts.push(new AuthAttempt({ ...step.attempt, result, ...(detail === undefined ? {} : { detail }) }))
  }

  #question(): Step {
    return {
      method: "none",
      attempt: { method: "none", source: "" },
      request: { type: "none", username: this.#user }
    }
  }

  #passwordStep(password: Redacted.Redacted<string>): Step {
    return {
      method: "password",
      attempt: { method: "password", source: "" },
      request: { type: "password", username: this.#user, password: Redacted.value(password) }
    }
  }

  #challengeStep(onChallenge: (challenge: Challenge) => void): Step {
    return {
      method: "keyboard-interactive",
      attempt: { method: "keyboard-interactive", source: "" },
      request: {
        type: "keyboard-interactive",
        username: this.#user,
        prompt: (_name, _instructions, _language, prompts, answer) => {
          onChallenge({ prompts, answer })
        }
      }
    }
  }

  #keyStep(credential: Credential): ReadonlyArray<Step> {
    if (credential._tag === "Skipped") return []
    const { source, keyType, fingerprint } = credential
    const username = this.#user
    return [
      {
        method: "publickey",
        attempt: { method: "publickey", source, keyType, fingerprint },
        request:
          credential._tag === "Key"
            ? { type: "publickey", username, key: Redacted.value(credential.privateKey) }
            : // SshAgent makes every signer out of the driver's own BaseAgent.
              { type: "agent", username, agent: credential.signer as Ssh2.BaseAgent }
      }
    ]
  }
}
