/** `toehold serial`: the verbs of a machine with a serial console, whose port is given by a flag. */
import type { ArgumentSpec, CommandSpec, FlagSpec } from "../commandSpec.ts"
import { machineFlags, portFlags } from "../machineFlags.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }

/** What makes no sense on one console. */
const notHere = new Set([...machineFlags.map(({ name }) => name), "parallel", "fail-fast", "pty"])

/** A verb for machines, with the port's flags in the place of the machine. `words` puts the machine's name where the verb has it. */
const over = (
  verb: CommandSpec,
  spec: Pick<CommandSpec, "description" | "arguments" | "examples">,
  words: (machine: string, given: ReadonlyArray<string>) => ReadonlyArray<string>
): CommandSpec => {
  const { load } = verb
  return {
    ...verb,
    ...spec,
    flags: [...portFlags, ...(verb.flags ?? []).filter(({ name }) => !notHere.has(name))],
    ...(load === undefined
      ? {}
      : {
          load: async () => {
            const [handler, { onConsole }] = await Promise.all([load(), import("../serialPort.ts")])
            return onConsole(verb, handler, words)
          }
        })
  }
}

const local: ArgumentSpec = { name: "LOCAL", summary: "a file or a folder here", isFile: true }
const remote: ArgumentSpec = {
  name: "PATH",
  summary: "a path on the machine; a relative one begins in the login folder"
}

const readyFlag: FlagSpec = {
  name: "timeout",
  value: "DURATION",
  summary: "How long a machine that starts may take until its shell answers (default: 30s)"
}

export const serialOf = (verbs: {
  readonly exec: CommandSpec
  readonly put: CommandSpec
  readonly get: CommandSpec
}): CommandSpec => ({
  name: "serial",
  summary: "Machines with a serial console: commands, files, and the console itself",
  children: [
    over(
      verbs.exec,
      {
        description: [
          "As toehold exec does, on the shell that is logged in on the console. At a login prompt nothing is typed. The same",
          "as toehold exec serial:FORM:..., see: toehold help machines."
        ].join("\n"),
        arguments: [],
        examples: [
          { command: "toehold serial exec --bonfire /var/lib/bonfire/vms/vm-7 -- uname -a", summary: "one command" },
          { command: "toehold serial exec --fifo vm.in,vm.out --shell 'dmesg | tail' --json", summary: "shell text" }
        ]
      },
      (machine) => [machine]
    ),
    {
      name: "attach",
      summary: "Sit down at the console",
      description: [
        "For a person: it needs a terminal here. Several may be attached at once, also while commands run on the console: what",
        "is typed waits for its turn. After Enter, ~. leaves and ~~ is one ~. The machine's terminal gets the size of this one",
        "whenever a prompt shows and nothing is typed behind it, by typing stty."
      ].join("\n"),
      flags: [
        ...portFlags,
        { name: "read-only", summary: "Only look on" },
        { name: "no-fit", summary: "Leave the size of the machine's terminal as it is" }
      ],
      examples: [{ command: "toehold serial attach --unix /run/vm.sock", summary: "a socket of QEMU" }],
      load: () => import("../command/serialAttach.ts").then(({ attach }) => attach)
    },
    over(
      verbs.put,
      {
        arguments: [{ ...local, isRepeatable: true }, remote],
        examples: [{ command: "toehold serial put app.tar /srv/ --tty /dev/ttyUSB0", summary: "a file into a folder" }]
      },
      (machine, given) => given.map((word, index) => (index === given.length - 1 ? `${machine}:${word}` : word))
    ),
    over(
      verbs.get,
      {
        arguments: [{ ...remote, isRepeatable: true }, local],
        examples: [{ command: "toehold serial get /var/log/syslog . --tcp localhost:4001", summary: "a file" }]
      },
      (machine, given) => given.map((word, index) => (index === given.length - 1 ? word : `${machine}:${word}`))
    ),
    {
      name: "state",
      summary: "Say who is at the other end: a shell, a login prompt, a machine that starts",
      description:
        "Exits with 0 when there is a shell, else with 1. At a login prompt, and while a machine starts, nothing is typed.",
      flags: [...portFlags, readyFlag, jsonFlag],
      document: '{"port","state","uid"?,"bootId"?,"message"?,"fix"?}',
      load: () => import("../command/serialState.ts").then(({ state }) => state)
    },
    {
      name: "log",
      summary: "Print what the machine prints, as it comes",
      description: "Types nothing. Ends when the port ends, or after --for.",
      flags: [
        ...portFlags,
        { name: "for", value: "DURATION", summary: "End after this time" },
        { name: "kernel", summary: "Messages of the kernel alone, each on a line" },
        { name: "json", summary: "Print one JSON document a line" }
      ],
      document: '{"data","encoding"}, with --kernel {"seconds","message"}',
      examples: [{ command: "toehold serial log --unix /run/vm.sock --for 30s", summary: "half a minute of it" }],
      load: () => import("../command/serialLog.ts").then(({ log }) => log)
    }
  ]
})
