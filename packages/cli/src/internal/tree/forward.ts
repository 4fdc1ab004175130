/** `toehold forward`, as it is called. */
import type { CommandSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"

export const forward: CommandSpec = {
  name: "forward",
  summary: "Open ports that lead to or from a machine",
  description: [
    "Prints a line for each forwarding once all of them are open, and stays until it is interrupted. A connection to the",
    "machine that is lost is made anew, with the same ports. What cannot be opened ends the command with an error. Those",
    "that a pasted command line or ~/.ssh/config names for the machine are opened as well."
  ].join("\n"),
  arguments: [machineArgument],
  flags: [
    {
      name: "local",
      short: "L",
      value: "[BIND:]PORT:HOST:HOSTPORT",
      isRepeatable: true,
      summary: "Listen here, lead to what the machine reaches; either end may be a socket's path, and port 0 is any"
    },
    {
      name: "remote",
      short: "R",
      value: "[BIND:]PORT:HOST:HOSTPORT",
      isRepeatable: true,
      summary: "Listen on the machine, lead to what is reached from here; without HOST:HOSTPORT a SOCKS proxy"
    },
    {
      name: "dynamic",
      short: "D",
      value: "[BIND:]PORT",
      isRepeatable: true,
      summary: "A SOCKS proxy here, to all that the machine reaches"
    },
    { name: "json", summary: "Print one JSON document a forwarding" },
    ...machineFlags
  ],
  examples: [
    { command: "toehold forward web -L 8080:localhost:80", summary: "the machine's port 80 as port 8080 here" },
    {
      command: "toehold forward root@host -L 0:localhost:11434 -D 1080 --json",
      summary: "several at once, one on any port that is free"
    },
    { command: "toehold forward web -R 9000:localhost:3000", summary: "a server here, for programs on the machine" },
    {
      command: "toehold forward web -L /tmp/docker.sock:/var/run/docker.sock",
      summary: "a Unix socket of the machine as one here"
    }
  ],
  document: '{"ready":true,"kind":"local"|"remote"|"dynamic","listen","to"}',
  load: () => import("../command/forward.ts").then(({ forward }) => forward)
}
