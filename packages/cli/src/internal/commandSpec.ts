/** What a command looks like from outside: the one description that parsing, help and completion are made from. */
import type { Effect, FileSystem, Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { Failure } from "../FailureDocument.ts"
import type { StandardStreams } from "../StandardStreams.ts"
import type { UsageError } from "../UsageError.ts"

export interface FlagSpec {
  readonly name: string
  /** One letter. */
  readonly short?: string
  readonly summary: string
  /** What the value is called; a flag without it is a switch. */
  readonly value?: string
  readonly choices?: ReadonlyArray<string>
  readonly isRepeatable?: boolean
  /** The value is a file, which shells complete. */
  readonly isFile?: boolean
}

export interface ArgumentSpec {
  readonly name: string
  readonly summary: string
  readonly isOptional?: boolean
  /** One or more of them; those that come after it in the description take the last words. */
  readonly isRepeatable?: boolean
  readonly choices?: ReadonlyArray<string>
  readonly isFile?: boolean
}

export interface Example {
  readonly command: string
  readonly summary: string
}

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  readonly description?: string
  readonly arguments?: ReadonlyArray<ArgumentSpec>
  /** What may follow `--`, such as `CMD [ARG…]`. */
  readonly rest?: string
  readonly flags?: ReadonlyArray<FlagSpec>
  readonly examples?: ReadonlyArray<Example>
  /** What `--json` prints. */
  readonly document?: string
  readonly children?: ReadonlyArray<CommandSpec>
  /** The exit code for a failure, where it isn't the usual one. */
  readonly failureCode?: (failure: Failure) => number
  /** Loaded only when it runs, so that no command pays for the others. */
  readonly load?: () => Promise<Handler>
}

/** Runs a command, and answers the program's exit code. */
export type Handler = (invocation: Invocation) => Effect.Effect<number, Failure, Services>

/** What commands need of the world. */
export type Services =
  | FileSystem.FileSystem
  | Path.Path
  | ChildProcessSpawner.ChildProcessSpawner
  | ClientPlatform
  | StandardStreams

/** A command line that fits its command. */
export interface Parsed {
  readonly command: CommandSpec
  /** The command's name with those of its parents, the program's first. */
  readonly path: ReadonlyArray<string>
  /** Values by flag name; a switch that is set has one empty value. */
  readonly flags: ReadonlyMap<string, ReadonlyArray<string>>
  /** The flags that have a value, in the order in which they were given. */
  readonly given: ReadonlyArray<readonly [flag: string, value: string]>
  readonly arguments: ReadonlyArray<string>
  /** What came after `--`; `undefined` where there was none. */
  readonly rest: ReadonlyArray<string> | undefined
  readonly wantsHelp: boolean
}

/** The flags and arguments of one call, read as what they mean. */
export interface Invocation extends Parsed {
  /** The command with its parents, as a person types it. */
  readonly name: string
  readonly has: (flag: string) => boolean
  readonly one: (flag: string) => string | undefined
  readonly all: (flag: string) => ReadonlyArray<string>
  /** The argument at a place where the command's description asks for one. */
  readonly argument: (index: number) => string
  /** In milliseconds. */
  readonly duration: (flag: string) => Effect.Effect<number | undefined, UsageError>
  /** In bytes. */
  readonly size: (flag: string) => Effect.Effect<number | undefined, UsageError>
  readonly usage: (detail: string, hint?: string) => UsageError
}
