/** The serial port that a command is for, given by a flag. */
import { Effect } from "effect"
import type * as SerialError from "@toehold/serial-runner/SerialError"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import type { UsageError } from "../UsageError.ts"
import type { CommandSpec, FlagSpec, Invocation } from "./commandSpec.ts"
import { makeInvocation } from "./invocation.ts"

export const portFlags: ReadonlyArray<FlagSpec> = [
  { name: "fifo", value: "IN,OUT", summary: "A pair of named pipes: IN is what the machine reads, OUT what it writes" },
  {
    name: "bonfire",
    value: "DIR/VMID",
    summary: "The pair DIR/VMID.stdout and DIR/VMID.stdin, named from the other side"
  },
  { name: "unix", value: "PATH", isFile: true, summary: "A Unix socket" },
  { name: "tcp", value: "HOST:PORT", summary: "A TCP port, as of ser2net or QEMU" },
  { name: "tty", value: "PATH", isFile: true, summary: "A terminal device" }
]

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

/** The call as the verb has it that takes a machine's name. */
export const onConsole = (invocation: Invocation, verb: CommandSpec, words: ReadonlyArray<string>): Invocation =>
  makeInvocation({ ...invocation, command: verb, arguments: words })
