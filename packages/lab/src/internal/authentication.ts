/** Puts an AuthScript behind the authentication events of ssh2's server. */
import { Effect, Redacted } from "effect"
import ssh2 from "ssh2"
import type { AuthContext, PublicKeyAuthContext } from "ssh2"
import type * as AuthScript from "../AuthScript.ts"
import { withRealClock } from "./realClock.ts"

/** The key type that a public key blob starts with: for RSA the context names the signature's algorithm instead. */
const typeOf = (blob: Buffer): string => (blob.length < 4 ? "" : blob.toString("latin1", 4, 4 + blob.readUInt32BE(0)))

const verifies = (context: PublicKeyAuthContext): boolean => {
  if (context.signature === undefined || context.blob === undefined) return true
  const key = ssh2.utils.parseKey(`${typeOf(context.key.data)} ${context.key.data.toString("base64")}`)
  return !(key instanceof Error) && key.verify(context.blob, context.signature, context.hashAlgo) === true
}

const attemptOf = (context: AuthContext): AuthScript.Attempt | undefined => {
  const user = context.username
  switch (context.method) {
    case "none":
    case "hostbased":
      return { method: context.method, user }
    case "password":
      return { method: "password", user, password: Redacted.make(context.password) }
    case "keyboard-interactive":
      return { method: "keyboard-interactive", user, answers: undefined }
    case "publickey": {
      const signed = context.signature !== undefined
      return verifies(context)
        ? { method: "publickey", user, algorithm: context.key.algo, blob: context.key.data, signed }
        : undefined
    }
  }
}

/** Answers one request of a client; `note` is told of every attempt in it and returns the earlier ones. */
export const answer = (
  context: AuthContext,
  script: AuthScript.AuthScript,
  note: (attempt: AuthScript.Attempt) => ReadonlyArray<AuthScript.Attempt>
): Effect.Effect<void> => {
  const decide = (attempt: AuthScript.Attempt): Effect.Effect<void> =>
    Effect.flatMap(
      Effect.suspend(() => script(attempt, note(attempt))),
      (decision) => {
        if (decision._tag === "Accept") return Effect.sync(() => context.accept())
        if (decision._tag === "Ask" && context.method === "keyboard-interactive") {
          const prompts = decision.prompts.map(({ prompt, echo }) => ({ prompt, echo: echo ?? false }))
          return Effect.callback<ReadonlyArray<string>>((resume) => {
            context.prompt(prompts, decision.name, decision.instructions, (answers: ReadonlyArray<string> | Error) => {
              // The client gave this request up for another one; there is nothing left to answer.
              resume(answers instanceof Error ? Effect.interrupt : Effect.succeed(answers))
            })
          }).pipe(
            Effect.flatMap((answers) =>
              decide({
                method: "keyboard-interactive",
                user: context.username,
                answers: answers.map((given) => Redacted.make(given))
              })
            )
          )
        }
        if (decision._tag === "ChangePassword" && context.method === "password") {
          return Effect.callback<string>((resume) => {
            context.requestChange(decision.prompt, (given) => resume(Effect.succeed(given)))
          }).pipe(
            Effect.flatMap((given) =>
              decide({ method: "password-change", user: context.username, newPassword: Redacted.make(given) })
            )
          )
        }
        const { methods, partial } = decision._tag === "Reject" ? decision : { methods: [], partial: false }
        return Effect.sync(() => context.reject([...methods], partial))
      }
    )
  return Effect.suspend(() => {
    const attempt = attemptOf(context)
    return attempt === undefined ? Effect.sync(() => context.reject()) : decide(attempt)
  }).pipe(withRealClock)
}
