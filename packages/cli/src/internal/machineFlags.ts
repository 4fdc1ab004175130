/** The flags that say which machine is meant and how to log in to it. */
import type { ArgumentSpec, FlagSpec } from "./commandSpec.ts"

export const machineArgument: ArgumentSpec = {
  name: "MACHINE",
  summary:
    "root@host:2222, ssh://user@host:port, vast:ID, an alias of ~/.ssh/config, or a pasted ssh command line in quotes"
}

/** What a machine's name alone takes: the flags of ssh that say where it is and as whom to log in. */
export const targetFlags: ReadonlyArray<FlagSpec> = [
  {
    name: "identity",
    short: "i",
    value: "FILE",
    isRepeatable: true,
    isFile: true,
    summary: "Private key to log in with"
  },
  { name: "port", short: "p", value: "PORT", summary: "Port of the SSH server" },
  { name: "user", short: "l", value: "USER", summary: "Login name" },
  { name: "jump", short: "J", value: "HOPS", summary: "Jump hosts, with commas between them" },
  { name: "config", short: "F", value: "FILE", isFile: true, summary: "Read this instead of ~/.ssh/config" },
  { name: "option", short: "o", value: "KEY=VALUE", isRepeatable: true, summary: "An option of ssh_config" }
]

export const knownHostsFlag: FlagSpec = {
  name: "known-hosts",
  value: "FILE",
  isFile: true,
  summary: "Use this known_hosts file alone"
}

const connectTimeoutFlag: FlagSpec = {
  name: "connect-timeout",
  value: "DURATION",
  summary: "Limit for connecting and logging in (default: 30s)"
}

/** Every flag of a command that logs in by itself. */
export const loginFlags: ReadonlyArray<FlagSpec> = [
  ...targetFlags,
  {
    name: "host-key",
    value: "POLICY",
    choices: ["strict", "accept-new", "off"],
    summary: "What to do with a host key that is not known (default: accept-new)"
  },
  knownHostsFlag,
  { name: "password-env", value: "NAME", summary: "Environment variable with the password" },
  { name: "password-file", value: "FILE", isFile: true, summary: "File with the password on its first line" },
  { name: "passphrase-env", value: "NAME", summary: "Environment variable with the passphrase of the key" },
  connectTimeoutFlag
]

/** Every flag of a command that is for a machine, whoever logs in to it. */
export const machineFlags: ReadonlyArray<FlagSpec> = [
  ...loginFlags,
  {
    name: "transport",
    value: "NAME",
    choices: ["ssh2", "openssh"],
    summary: "openssh goes by the system's own ssh (default: ssh2)"
  }
]

/** What names a serial port, in the place of a machine. */
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
