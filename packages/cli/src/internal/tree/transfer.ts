/** `put`, `get` and `sync`: files to and from a machine. */
import type { ArgumentSpec, CommandSpec, FlagSpec } from "../commandSpec.ts"
import { machineFlags } from "../machineFlags.ts"

const place = "root@host:2222:/srv, web:~/data, ssh://host/srv, or a pasted ssh command line with :PATH behind it"

const localFiles: ArgumentSpec = {
  name: "LOCAL",
  summary: "a file or a folder here; DIR/ stands for what is in it",
  isRepeatable: true,
  isFile: true
}

const flags: ReadonlyArray<FlagSpec> = [
  {
    name: "exclude",
    value: "PATTERN",
    isRepeatable: true,
    summary: "Leave out what matches: '*.o' at any depth, /build at the top, 'cache/' for folders only"
  },
  { name: "verify", summary: "Compare the SHA-256 of every file before it gets its name" },
  { name: "safe-links", summary: "Leave out symbolic links that lead out of their folder" },
  { name: "parents", summary: "Make the folders above the target that are missing" },
  { name: "quiet", short: "q", summary: "Show no progress" }
]

const recursive: FlagSpec = {
  name: "recursive",
  short: "r",
  summary: "Accepted as scp has it; folders always go with all that is in them"
}

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }

const whole = [
  "Nothing appears at its final path before it is whole, and what was cut off is taken up by the next run. Modes, times",
  "and links are kept, owners are not."
].join("\n")

const document = '{"files","bytes","skipped","links","folders","leftOut":[...],"durationMs","sha256"?}'

const load = () => import("../command/transfer.ts")

export const put: CommandSpec = {
  name: "put",
  summary: "Send files and folders to a machine",
  description: `${whole} Where PATH is a folder or ends with /, they go into it.`,
  arguments: [localFiles, { name: "MACHINE:PATH", summary: place }],
  flags: [...flags, recursive, jsonFlag, ...machineFlags],
  examples: [
    { command: "toehold put model.bin web:/srv/models/", summary: "a file into a folder" },
    {
      command: "toehold put src web:app",
      summary: "a folder as app in the login folder, or into it where app is there"
    },
    {
      command: "toehold put data.tar 'ssh -p 12345 root@ssh5.vast.ai:/workspace/' --verify --json",
      summary: "to a pasted command line, checked, with one document as the answer"
    }
  ],
  document,
  load: () => load().then(({ put }) => put)
}

export const get: CommandSpec = {
  name: "get",
  summary: "Fetch files and folders from a machine",
  description: `${whole} Where LOCAL is a folder or ends with /, they go into it.`,
  arguments: [
    { name: "MACHINE:PATH", summary: `${place}; DIR/ stands for what is in it`, isRepeatable: true },
    { name: "LOCAL", summary: "the path of the copy here", isFile: true }
  ],
  flags: [...flags, recursive, jsonFlag, ...machineFlags],
  examples: [
    { command: "toehold get web:/var/log/syslog .", summary: "a file into this folder" },
    { command: "toehold get web:results/ results", summary: "what is in a folder" }
  ],
  document,
  load: () => load().then(({ get }) => get)
}

export const sync: CommandSpec = {
  name: "sync",
  summary: "Make a folder there as it is here, or the other way",
  description: [
    "Sends what differs, as rsync -a does: DIR/ makes the target as the folder is, DIR makes TARGET/DIR so. A file is the",
    "same where its size and its time to the second are."
  ].join("\n"),
  arguments: [
    { name: "FROM", summary: `LOCAL or MACHINE:PATH: ${place}`, isFile: true },
    { name: "TO", summary: "the other of the two", isFile: true }
  ],
  flags: [
    { name: "delete", summary: "Remove what FROM doesn't have; what is excluded stays" },
    { name: "dry-run", short: "n", summary: "Change nothing, and print what would be done" },
    { name: "checksum", short: "c", summary: "Compare files of the same size by their SHA-256, not by their time" },
    ...flags,
    jsonFlag,
    ...machineFlags
  ],
  examples: [
    { command: "toehold sync ./ web:app/ --exclude .git --delete", summary: "a working folder to a machine" },
    { command: "toehold sync web:/srv/data/ data/ --dry-run", summary: "what a sync would fetch" }
  ],
  document:
    '{"files","bytes","skipped","links","folders","deleted":[...],"leftOut":[...],"changes":[{"action","path"}],"durationMs","sha256"?}',
  load: () => load().then(({ sync }) => sync)
}
