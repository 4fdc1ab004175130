/** The command that a command line asks to be run on a machine. */
import { Effect } from "effect"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type * as SshError from "@toehold/ssh-core/SshError"
import type { UsageError } from "../UsageError.ts"
import { readEnvironment, readWords } from "./commandFlags.ts"
import type { Invocation } from "./commandSpec.ts"

/** The command that the words after `--` or `--shell` name, with its folder and its environment. */
export const readCommand = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<SshCommand.SshCommand, UsageError | SshError.SshError, ClientPlatform> {
  const options = { cwd: invocation.one("cwd"), env: yield* readEnvironment(invocation) }
  const { kind, words } = yield* readWords(invocation)
  return kind === "shell" ? SshCommand.shell(words[0], options) : SshCommand.argv(words, options)
})
