/** The serial port that a command is for, given by a flag. */
import { Effect } from "effect"
import * as ConsoleShare from "@toehold/serial-runner/ConsoleShare"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import type { UsageError } from "../UsageError.ts"
import type { CommandSpec, Handler, Invocation } from "./commandSpec.ts"
import { makeInvocation } from "./invocation.ts"
import { portFlags } from "./machineFlags.ts"

export interface Port {
  /** As `serial:FORM:...`. */
  readonly name: string
  readonly target: SerialTarget.SerialTarget
}

export const portOf = (invocation: Invocation): Effect.Effect<Port, UsageError | SerialError.SerialError> => {
  const given = portFlags.flatMap(({ name }) => invocation.all(name).map((value) => `serial:${name}:${value}`))
  const [name] = given
  if (name === undefined || given.length > 1) {
    return invocation.usage(
      name === undefined ? "It is not said which port." : "Two ports are named, and a command is for one.",
      `Give one of ${portFlags.map((flag) => `--${flag.name} ${flag.value}`).join(", ")}.`
    )
  }
  return Effect.map(Effect.fromResult(SerialTarget.parse(name)), (target) => ({ name, target }))
}

/** The console as its owner, or a part in it where another process owns it and shares. */
export const takePart = Effect.fnUntraced(function* (target: SerialTarget.SerialTarget, by: string) {
  const hub = yield* SerialHub.make()
  return yield* hub.console(target).pipe(
    Effect.map((console) => ({ console, shared: undefined })),
    Effect.catchIf(
      ({ reason }) => reason._tag === "PortBusy",
      (busy) =>
        ConsoleShare.join(target, by).pipe(
          Effect.map((shared) => ({ console: undefined, shared })),
          // It names the owner.
          Effect.mapError(() => busy)
        )
    )
  )
})

/** A verb for machines, on the port of the flags. `words` puts the machine's name where the verb has it. */
export const onConsole =
  (
    verb: CommandSpec,
    handler: Handler,
    words: (machine: string, given: ReadonlyArray<string>) => ReadonlyArray<string>
  ): Handler =>
  (invocation) =>
    Effect.flatMap(portOf(invocation), ({ name }) =>
      handler(makeInvocation({ ...invocation, command: verb, arguments: words(name, invocation.arguments) }))
    )
