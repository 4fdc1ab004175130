/** One process over a session of its own, with its streams apart and its end known before they are read. */
import { Effect, type Scope } from "effect"
import type * as SshCommand from "../SshCommand.ts"
import type * as SshError from "../SshError.ts"
import type { SpawnedProcess, SpawnOptions } from "../SshExec.ts"
import type { Machine } from "./execution.ts"

export const spawn = (
  _machine: Machine,
  _command: SshCommand.SshCommand,
  _options: SpawnOptions
): Effect.Effect<SpawnedProcess, SshError.SshError, Scope.Scope> => Effect.never
