/**
 * What an in-process server answers to each attempt to log in (RFC 4252, RFC 4256), as a function that a test writes.
 *
 * @since 0.1.0
 */
import { Effect, Redacted } from "effect"

/**
 * Names of the methods, as they go over the wire.
 *
 * @since 0.1.0
 * @category models
 */
export type Method = "none" | "password" | "publickey" | "hostbased" | "keyboard-interactive"

/**
 * One attempt of the client. `password-change` and the answers of `keyboard-interactive` are what the client sends after
 * it was asked; `answers` is `undefined` when it starts. A signature that doesn't verify never gets here.
 *
 * @since 0.1.0
 * @category models
 */
export type Attempt =
  | { readonly method: "none" | "hostbased"; readonly user: string }
  | { readonly method: "password"; readonly user: string; readonly password: Redacted.Redacted }
  | { readonly method: "password-change"; readonly user: string; readonly newPassword: Redacted.Redacted }
  | {
      readonly method: "publickey"
      readonly user: string
      readonly algorithm: string
      readonly blob: Buffer
      /** `false` while the client only asks whether the key would do. */
      readonly signed: boolean
    }
  | {
      readonly method: "keyboard-interactive"
      readonly user: string
      readonly answers: ReadonlyArray<Redacted.Redacted> | undefined
    }

/**
 * One line that the client is asked for, and whether it may be shown while it is typed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Prompt {
  readonly prompt: string
  readonly echo?: boolean
}

/**
 * The server's answer. A question only fits the method that can ask it; to any other attempt it is a refusal.
 *
 * @since 0.1.0
 * @category models
 */
export type Answer =
  | { readonly _tag: "Accept" }
  | { readonly _tag: "Reject"; readonly methods: ReadonlyArray<Method>; readonly partial: boolean }
  | {
      readonly _tag: "Ask"
      readonly name: string
      readonly instructions: string
      readonly prompts: ReadonlyArray<Prompt>
    }
  | { readonly _tag: "ChangePassword"; readonly prompt: string }

/**
 * Decides on an attempt, with the earlier ones of the same connection at hand. It may take its time: the clock is real.
 *
 * @since 0.1.0
 * @category models
 */
export type AuthScript = (attempt: Attempt, before: ReadonlyArray<Attempt>) => Effect.Effect<Answer>

/**
 * @since 0.1.0
 * @category constructors
 */
export const accept: Answer = { _tag: "Accept" }

/**
 * Refuses and names the methods that can continue; `partial` says that this attempt was right and more is needed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const reject = (methods: ReadonlyArray<Method>, options?: { readonly partial?: boolean }): Answer => ({
  _tag: "Reject",
  methods,
  partial: options?.partial ?? false
})

/**
 * Asks the user (`keyboard-interactive`); no prompts at all are allowed too.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ask = (
  prompts: ReadonlyArray<Prompt>,
  options?: { readonly name?: string; readonly instructions?: string }
): Answer => ({
  _tag: "Ask",
  name: options?.name ?? "",
  instructions: options?.instructions ?? "",
  prompts
})

/**
 * Demands a new password before the login (`password` only).
 *
 * @since 0.1.0
 * @category constructors
 */
export const changePassword = (prompt: string): Answer => ({ _tag: "ChangePassword", prompt })

/**
 * Lets in who has one of the keys or the password, and names the methods that there are to everybody else.
 *
 * @since 0.1.0
 * @category constructors
 */
export const standard = (options: {
  readonly keys?: ReadonlyArray<Buffer>
  readonly password?: Redacted.Redacted
}): AuthScript => {
  const methods: ReadonlyArray<Method> = [
    ...(options.keys === undefined ? [] : ["publickey" as const]),
    ...(options.password === undefined ? [] : ["password" as const])
  ]
  return (attempt) =>
    Effect.sync(() => {
      const isRight =
        attempt.method === "publickey"
          ? options.keys?.some((key) => key.equals(attempt.blob)) === true
          : attempt.method === "password" &&
            options.password !== undefined &&
            Redacted.value(attempt.password) === Redacted.value(options.password)
      return isRight ? accept : reject(methods)
    })
}
