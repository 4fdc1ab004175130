/** A command's script, what can't be one as an error of this package. */
import { Result } from "effect"
import * as ProcessScript from "@toehold/shell/ProcessScript"
import * as SshError from "../SshError.ts"

export const make = (
  command: ProcessScript.Command,
  spawn?: ProcessScript.Spawn
): Result.Result<string, SshError.SshError> =>
  Result.mapError(ProcessScript.make(command, spawn), (invalid) => SshError.make(new SshError.InvalidArgument(invalid)))
