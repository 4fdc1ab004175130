/**
 * The password for the system's `ssh`, which takes one from a terminal or from a program that it asks (SSH_ASKPASS). The
 * program asks us, over a socket in a folder that nobody else may enter: the password is in no file, no argument and no
 * environment.
 */
import { Effect, type FileSystem, Redacted, type Scope } from "effect"
import * as Net from "node:net"
import type { Platform } from "../../ClientPlatform.ts"
import * as SshError from "../../SshError.ts"

export interface Options {
  readonly fs: FileSystem.FileSystem
  /** A folder that nobody else may enter. */
  readonly folder: string
  readonly password: Redacted.Redacted<string>
  /** Whose password it is. */
  readonly user: string
  /** What the host may be called in the question. */
  readonly hosts: ReadonlyArray<string>
  readonly platform: Pick<Platform, "env">
  /** Other hosts may ask as well: those that the way leads through. */
  readonly hasJumps: boolean
}

/** As long as no question is. */
const maxQuestion = 4096

/**
 * Whether a question is for the password of the account. OpenSSH names account and host, a server by itself asks for no
 * more than a password, which may then be one of a jump host.
 */
export const isOurs = (
  question: string,
  { hasJumps, hosts, user }: Pick<Options, "user" | "hosts" | "hasJumps">
): boolean => {
  if (/passphrase|\bPIN\b|yes\/no|new password|one-time|verification code/i.test(question)) return false
  const named = /^(?:\((\S+)@([^\s)]+)\) .*password.*|(\S+)@(\S+)'s password: ?)$/is.exec(question)
  if (named === null) return !hasJumps && !question.includes("@") && /password/i.test(question)
  const [, user1, host1, user2, host2] = named
  return (user1 ?? user2) === user && hosts.includes((host1 ?? host2 ?? "").toLowerCase())
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Hands the question on, and prints the answer. */
const helper = `const socket = require("node:net").connect(process.argv[1]);
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(1));
let answer = "";
socket.setEncoding("utf8").on("data", (text) => { answer += text; })
  .on("end", () => { if (answer !== "") process.stdout.write(answer, () => process.exit(0)); });
socket.end(process.argv[2] ?? "");`

const failed = (path: string) => (error: { readonly message: string }) =>
  SshError.make(new SshError.FileFailed({ path, detail: error.message }))

/** Answers the first question that is for the password, and no other. The scope's end ends it. */
const listen = (path: string, options: Options) =>
  Effect.acquireRelease(
    Effect.callback<Net.Server, SshError.SshError>((resume) => {
      let isGiven = false
      const server = Net.createServer({ allowHalfOpen: true }, (socket) => {
        let question = ""
        socket.setEncoding("utf8")
        socket.on("error", () => undefined)
        socket.on("data", (text: string) => {
          question += text
          if (question.length > maxQuestion) socket.destroy()
        })
        socket.on("end", () => {
          // A password that was wrong once is wrong again, and each try may count towards a ban.
          const isAnswered = !isGiven && isOurs(question, options)
          if (!isAnswered) return socket.end()
          isGiven = true
          return socket.end(`${Redacted.value(options.password)}\n`)
        })
      })
      server.once("error", (error) => resume(Effect.fail(failed(path)(error))))
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  )

/** The environment that has `ssh` ask us. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Readonly<Record<string, string>>, SshError.SshError, Scope.Scope> {
  const { folder, fs } = options
  const program = `${folder}/askpass`
  const socket = `${folder}/p`
  yield* listen(socket, options)
  const words = [process.execPath, "-e", helper, socket].map(quote).join(" ")
  yield* fs
    .writeFileString(program, `#!/bin/sh\nunset NODE_OPTIONS\nexec ${words} "$1"\n`, { mode: 0o700, flag: "wx" })
    .pipe(Effect.mapError(failed(program)))
  // Before OpenSSH 8.4 there must be a display, and no terminal.
  return { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force", DISPLAY: options.platform.env["DISPLAY"] ?? ":" }
})
