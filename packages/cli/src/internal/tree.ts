/** Every command of the program. */
import * as ExitCode from "../ExitCode.ts"
import { commandFlags } from "./commandFlags.ts"
import type { ArgumentSpec, CommandSpec, FlagSpec } from "./commandSpec.ts"
import { knownHostsFlag, loginFlags, machineArgument, machineFlags, targetFlags } from "./machineFlags.ts"
import { topicNames } from "./topicNames.ts"
import { job } from "./tree/job.ts"
import { forward } from "./tree/forward.ts"
import { image } from "./tree/image.ts"
import { interact } from "./tree/interact.ts"
import { serialOf } from "./tree/serial.ts"
import { session } from "./tree/session.ts"
import { shell } from "./tree/shell.ts"
import { get, put, sync } from "./tree/transfer.ts"
import { provision, recipe, tunnel, up } from "./tree/up.ts"
import { vast } from "./tree/vast.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }

const exec: CommandSpec = {
  name: "exec",
  summary: "Run a command on a machine",
  description: [
    "The arguments after -- arrive exactly as they are: no shell reads them on the way. Output is passed on as it",
    "comes, and so is the exit code: 124 when a time limit of exec's own was reached, 255 when the machine could not",
    "be reached, 128+n when signal n ended the command. The command reads nothing unless --stdin is given.",
    "Of several machines (web1,web2) each line has the name before it, the exit code is the highest of theirs, and",
    '--json prints {"results":[...]} with the document of each.'
  ].join("\n"),
  arguments: [machineArgument],
  rest: "CMD [ARG...]",
  flags: [
    ...commandFlags,
    { name: "timeout", value: "DURATION", summary: "Kill the command after this time, counted from the start of exec" },
    { name: "idle-timeout", value: "DURATION", summary: "Kill the command when it printed nothing for this time" },
    {
      name: "max-output",
      value: "SIZE",
      summary: "Bytes kept of each stream, head and tail (default: 256KiB with --json, else all)"
    },
    { name: "sudo", summary: "Run it as root by sudo" },
    {
      name: "sudo-password-env",
      value: "NAME",
      summary: "The same, with the password for sudo from this environment variable, given only when sudo asks for it"
    },
    {
      name: "prompt-timeout",
      value: "DURATION",
      summary:
        "Kill it when a question is not answered for this time; none: never (default: 2s with --pty, 20s with a pipe at --stdin -)"
    },
    { name: "pty", summary: "Run it in a terminal; stderr then comes on stdout" },
    jsonFlag,
    { name: "ndjson", summary: "Print one JSON event a line as things happen, a heartbeat among them" },
    { name: "parallel", value: "N", summary: "How many machines at a time, where several are named (default: 32)" },
    { name: "fail-fast", summary: "After the first failure start no more, and kill what runs on the other machines" },
    ...machineFlags
  ],
  examples: [
    { command: "toehold exec root@host:2222 -- nvidia-smi", summary: "one command" },
    {
      command: "toehold exec web --shell 'cd /srv && ls | wc -l'",
      summary: "shell text, on an alias of ~/.ssh/config"
    },
    {
      command: "toehold exec 'ssh -p 12345 root@ssh5.vast.ai' --json --timeout 5m -- make test",
      summary: "a pasted command line, with a limit and one document as the answer"
    },
    {
      command: "toehold exec web --env-from HF_TOKEN --stdin setup.py -- python3 -",
      summary: "a secret, and an input"
    },
    { command: "toehold exec web1,web2,db --parallel 2 --fail-fast -- apt-get -y upgrade", summary: "many machines" }
  ],
  document:
    '{"machine","command","exitCode","signal","stdout","stderr","encoding","stdoutBytes","stderrBytes","truncated","prompt"?,"durationMs","outcome"}',
  failureCode: ExitCode.ofExecFailure,
  load: () => import("./command/exec.ts").then(({ exec }) => exec)
}

const doctor: CommandSpec = {
  name: "doctor",
  summary: "Check the way to a machine, stage by stage",
  description:
    "Goes through dns, tcp, banner, key exchange, host key, auth, channel, sftp and shell, and stops at the first that fails.",
  arguments: [machineArgument],
  flags: [jsonFlag, ...loginFlags],
  examples: [
    { command: "toehold doctor root@host:2222", summary: "what is wrong, and what to do about it" },
    {
      command: "toehold doctor web --json --log-level debug",
      summary: "for a program, with the whole handshake on stderr"
    }
  ],
  document: '{"stages":[{"name","ok","durationMs","detail"}],"verdict","fix"}',
  load: () => import("./command/doctor.ts").then(({ doctor }) => doctor)
}

const keyFile: ArgumentSpec = { name: "FILE", summary: "the key file", isFile: true }
const forceFlag: FlagSpec = { name: "force", summary: "Replace a file that is there" }
const passphraseFlag = (summary: string): FlagSpec => ({ name: "passphrase-env", value: "NAME", summary })

const keys: CommandSpec = {
  name: "keys",
  summary: "List, make, convert and install keys",
  children: [
    {
      name: "list",
      summary: "Keys in ~/.ssh and in the agent",
      flags: [jsonFlag],
      document: '{"keys":[{"source","type","bits","fingerprint","comment","encrypted"}]}',
      load: () => import("./command/keysList.ts").then(({ keysList }) => keysList)
    },
    {
      name: "generate",
      summary: "Make a key pair: FILE and FILE.pub",
      arguments: [keyFile],
      flags: [
        { name: "type", value: "TYPE", choices: ["ed25519", "rsa"], summary: "Default: ed25519" },
        { name: "bits", value: "N", summary: "Length of an RSA key (default: 3072)" },
        { name: "comment", value: "TEXT", summary: "Default: user@host" },
        passphraseFlag("Environment variable with a passphrase to protect the key"),
        { name: "format", value: "FORMAT", choices: ["openssh", "ppk"], summary: "Default: openssh" },
        forceFlag,
        jsonFlag
      ],
      examples: [{ command: "toehold keys generate ~/.ssh/id_ed25519", summary: "the usual key" }],
      document: '{"file","publicFile","format","encrypted","type","bits","fingerprint","comment"}',
      load: () => import("./command/keysGenerate.ts").then(({ keysGenerate }) => keysGenerate)
    },
    {
      name: "fingerprint",
      summary: "Fingerprint of a private or public key",
      arguments: [keyFile],
      flags: [{ name: "hash", value: "HASH", choices: ["sha256", "md5"], summary: "Default: sha256" }, jsonFlag],
      document: '{"file","type","bits","fingerprint","comment"}',
      load: () => import("./command/keysFingerprint.ts").then(({ keysFingerprint }) => keysFingerprint)
    },
    {
      name: "convert",
      summary: "Write a key in another format",
      description: "A key that has a passphrase keeps it, unless there is a new one.",
      arguments: [
        { name: "IN", summary: "the key to read: OpenSSH, PEM, PKCS#8 or PuTTY", isFile: true },
        { name: "OUT", summary: "the file to write", isFile: true }
      ],
      flags: [
        {
          name: "format",
          value: "FORMAT",
          choices: ["openssh", "ppk", "public", "rfc4716"],
          summary: "What to write; public and rfc4716 are the public half"
        },
        passphraseFlag("Environment variable with the passphrase of IN"),
        { name: "new-passphrase-env", value: "NAME", summary: "Environment variable with the passphrase for OUT" },
        forceFlag,
        jsonFlag
      ],
      examples: [
        { command: "toehold keys convert putty.ppk id_work --format openssh", summary: "a PuTTY key for OpenSSH" }
      ],
      document: '{"file","format","encrypted","type","bits","fingerprint","comment"}',
      load: () => import("./command/keysConvert.ts").then(({ keysConvert }) => keysConvert)
    },
    {
      name: "install",
      summary: "Put a public key on a machine, and check that it logs in",
      description: [
        "Adds the key to ~/.ssh/authorized_keys there, once, as ssh-copy-id does. To an instance of Vast.ai it is attached by",
        "the service, which needs no login; it lets you in within two minutes (see: toehold vast wait)."
      ].join("\n"),
      arguments: [
        machineArgument,
        {
          name: "KEY.pub",
          summary: "the public key (default: that of -i, else of ~/.ssh/id_ed25519, id_ecdsa or id_rsa)",
          isOptional: true,
          isFile: true
        }
      ],
      flags: [jsonFlag, ...loginFlags],
      examples: [
        {
          command: "toehold keys install root@host ~/.ssh/id_ed25519.pub --password-env ROOT_PASSWORD",
          summary: "with a password, for the first and last time"
        }
      ],
      document: '{"machine","key":{"type","bits","fingerprint","comment"},"status":"added"|"present","verified"}',
      load: () => import("./command/keysInstall.ts").then(({ keysInstall }) => keysInstall)
    }
  ]
}

const loadHosts = () => import("./command/hosts.ts")

const hosts: CommandSpec = {
  name: "hosts",
  summary: "List, trust and forget host keys",
  children: [
    {
      name: "list",
      summary: "Host keys on file: all, or those of a machine",
      arguments: [{ ...machineArgument, isOptional: true }],
      flags: [...targetFlags, knownHostsFlag, jsonFlag],
      document: '{"hosts":[{"hosts","keyType","fingerprint","marker","file","line","comment"}]}',
      load: () => loadHosts().then(({ hostsList }) => hostsList)
    },
    {
      name: "trust",
      summary: "Put the host key that a machine shows on file",
      description:
        "Asks for the key and leaves without a login. Compare the fingerprint with what the machine's owner says.",
      arguments: [machineArgument],
      flags: [
        { name: "fingerprint", value: "SHA256:...", summary: "Trust the key with this fingerprint and no other" },
        { name: "replace", summary: "Forget what is on file for the machine" },
        jsonFlag,
        ...loginFlags
      ],
      document:
        '{"machine","host","keyType","fingerprint","status":"known"|"added"|"replaced","removed":[...]}; of vast:ID {"machine","keys":[...]}',
      load: () => loadHosts().then(({ hostsTrust }) => hostsTrust)
    },
    {
      name: "forget",
      summary: "Remove the host keys of a machine",
      arguments: [machineArgument],
      flags: [...targetFlags, knownHostsFlag, jsonFlag],
      document: '{"machine","removed":[{"hosts","keyType","fingerprint","marker","file","line","comment"}]}',
      load: () => loadHosts().then(({ hostsForget }) => hostsForget)
    }
  ]
}

const help: CommandSpec = {
  name: "help",
  summary: "Explain a topic or a command",
  arguments: [
    { name: "TOPIC", summary: `a command, or one of ${topicNames.map(([name]) => name).join(", ")}`, isOptional: true }
  ],
  load: () => import("./command/help.ts").then(({ help }) => help(root))
}

const completion: CommandSpec = {
  name: "completion",
  summary: "Print a completion script for a shell",
  arguments: [{ name: "SHELL", summary: "the shell", choices: ["bash", "zsh", "fish", "powershell"] }],
  examples: [
    { command: "source <(toehold completion bash)", summary: "in ~/.bashrc" },
    { command: "toehold completion fish > ~/.config/fish/completions/toehold.fish", summary: "fish" },
    { command: "toehold completion powershell | Out-String | Invoke-Expression", summary: "in $PROFILE" }
  ],
  load: () => import("./command/completion.ts").then(({ completion }) => completion(root))
}

const serial = serialOf({ exec, put, get })

export const root: CommandSpec = {
  name: "toehold",
  summary: "A secure foothold on any machine: run commands over SSH, and know what is wrong when they don't.",
  flags: [{ name: "version", summary: "Show the version" }],
  children: [
    exec,
    put,
    get,
    sync,
    interact,
    shell,
    session,
    forward,
    job,
    serial,
    vast,
    up,
    provision,
    tunnel,
    recipe,
    image,
    doctor,
    keys,
    hosts,
    help,
    completion
  ]
}
