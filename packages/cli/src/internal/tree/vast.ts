/** `toehold vast`: the account's instances, and what goes with them. */
import { commandFlags } from "../commandFlags.ts"
import { yesFlag } from "../confirm.ts"
import type { ArgumentSpec, CommandSpec, FlagSpec } from "../commandSpec.ts"
import { knownHostsFlag, loginFlags, targetFlags } from "../machineFlags.ts"
import { offerFlags } from "../vast/offerFlags.ts"
import { vastEnv, vastKeys } from "./vastAccount.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }
const instance: ArgumentSpec = { name: "ID", summary: "the instance's number, or vast:ID" }

const loadList = () => import("../command/vast/list.ts")
const loadChange = () => import("../command/vast/change.ts")
const loadInside = () => import("../command/vast/inside.ts")
const loadAddresses = () => import("../command/vast/addresses.ts")

const routeFlag: FlagSpec = {
  name: "route",
  value: "ROUTE",
  choices: ["direct", "proxy"],
  summary: "The machine's own address or the service's (default: direct where there is one)"
}

const environmentFlags = commandFlags.filter(({ name }) => name === "env" || name === "env-from")

const create: CommandSpec = {
  name: "create",
  summary: "Rent an offer",
  description: [
    "It costs money from now on. It is sent once: when the answer is lost, the instance is looked for by its label, and is",
    "adopted, or the failure (CreateUnknown) names the label. A failure that left a contract (BilledButFailed) names it."
  ].join("\n"),
  arguments: [{ name: "OFFER", summary: "the offer's number, see: toehold vast offers" }],
  flags: [
    { name: "image", value: "IMAGE", summary: "The container's image" },
    { name: "template", value: "HASH", summary: "A template, by its hash" },
    { name: "disk", value: "GB", summary: "Disk, which can't be changed later (default: 16)" },
    { name: "label", value: "TEXT", summary: "A label; a mark of its own is added" },
    { name: "bid", value: "DOLLARS", summary: "Bid so much an hour: cheaper, but it can be outbid and stops then" },
    ...environmentFlags,
    { name: "expose", value: "PORT", isRepeatable: true, summary: "Open this port of the container, PORT or PORT/udp" },
    { name: "onstart", value: "FILE", isFile: true, summary: "A script that runs at each start" },
    {
      name: "run",
      value: "KIND",
      choices: ["ssh", "ssh-proxy", "jupyter", "jupyter-proxy", "args"],
      summary: "How it is reached (default: ssh, directly and by the proxy)"
    },
    {
      name: "image-login-env",
      value: "NAME",
      summary: "Environment variable with the options of docker login for a private image"
    },
    { name: "wait-for-gpu", summary: "Wait for the GPU where it is taken, instead of failing" },
    jsonFlag
  ],
  examples: [
    {
      command: "toehold vast create 12345678 --image vastai/base-image:@vastai-automatic-tag --disk 40",
      summary: "an instance"
    }
  ],
  document: '{"instance","label","adopted"}',
  load: () => import("../command/vast/create.ts").then(({ vastCreate }) => vastCreate)
}

const wait: CommandSpec = {
  name: "wait",
  summary: "Wait until an instance runs, or lets you in",
  description: [
    "ssh-ready means that a login works: after it, toehold exec vast:ID does. What happens is told on stderr. It fails",
    "at once when the instance can't come up (InstanceFailed), when its host key has changed, and when its key refuses you",
    "for longer than it takes a new one to arrive."
  ].join("\n"),
  arguments: [instance],
  flags: [
    { name: "for", value: "GOAL", choices: ["running", "ssh-ready"], summary: "What to wait for (default: ssh-ready)" },
    { name: "timeout", value: "DURATION", summary: "Wait no longer than this (default: 15m; exit code 124)" },
    { name: "interval", value: "DURATION", summary: "Time between two looks (default: 3s)" },
    jsonFlag,
    ...loginFlags
  ],
  examples: [
    { command: "toehold vast wait 41000001 --for ssh-ready --timeout 10m", summary: "before the first command" }
  ],
  document: '{"instance","goal","status","address":{"kind","host","port"}|null,"elapsedMs"}',
  load: () => import("../command/vast/wait.ts").then(({ vastWait }) => vastWait)
}

export const vast: CommandSpec = {
  name: "vast",
  summary: "Rent, look after and give back instances of Vast.ai",
  description: [
    "The API key is that of VAST_API_KEY, else of the official client's file (~/.config/vastai/vast_api_key). Any command",
    "that takes a machine takes an instance as vast:ID, such as: toehold exec vast:41000001 -- nvidia-smi"
  ].join("\n"),
  children: [
    {
      name: "offers",
      summary: "Search for what can be rented",
      description: "Verified machines of the marketplace that can be rented now, unless a flag says otherwise.",
      flags: [...offerFlags, jsonFlag],
      examples: [
        { command: "toehold vast offers --gpu RTX_4090 --max-price 0.5 --order dph_total", summary: "the cheapest" },
        { command: "toehold vast offers --num-gpus 8 --where 'dlperf>=100' --json", summary: "any other field" }
      ],
      document: '{"offers":[...]}, with the fields of Vast.ai',
      load: () => loadList().then(({ vastOffers }) => vastOffers)
    },
    {
      name: "instances",
      summary: "The instances of the account",
      flags: [jsonFlag],
      document: '{"instances":[...]}, each as of vast show',
      load: () => loadList().then(({ vastInstances }) => vastInstances)
    },
    {
      name: "show",
      summary: "One instance",
      arguments: [instance],
      flags: [jsonFlag],
      document:
        '{"id","actual_status",...,"ssh":[{"kind","host","port"}]}, with the fields of Vast.ai but those that hold secrets',
      load: () => loadList().then(({ vastShow }) => vastShow)
    },
    create,
    {
      name: "start",
      summary: "Start an instance that is stopped",
      description: "It is asked for, not awaited: see toehold vast wait.",
      arguments: [instance],
      flags: [jsonFlag],
      document: '{"instance","action","status":"requested"}',
      load: () => loadChange().then(({ vastStart }) => vastStart)
    },
    {
      name: "stop",
      summary: "Stop an instance; its disk stays, and is paid for",
      description: "Its GPU may be somebody else's when it is to start again.",
      arguments: [instance],
      flags: [jsonFlag],
      document: '{"instance","action","status":"requested"}',
      load: () => loadChange().then(({ vastStop }) => vastStop)
    },
    {
      name: "reboot",
      summary: "Restart an instance's container",
      arguments: [instance],
      flags: [jsonFlag],
      document: '{"instance","action","status":"requested"}',
      load: () => loadChange().then(({ vastReboot }) => vastReboot)
    },
    {
      name: "recycle",
      summary: "Make an instance's container anew: its disk is lost",
      description: "Its host keys change with it, and the old ones are forgotten here.",
      arguments: [instance],
      flags: [yesFlag, jsonFlag, ...targetFlags, knownHostsFlag],
      document: '{"instance","action","status":"requested"}',
      load: () => loadChange().then(({ vastRecycle }) => vastRecycle)
    },
    {
      name: "destroy",
      summary: "Give an instance back: its disk is lost",
      arguments: [instance],
      flags: [yesFlag, jsonFlag],
      document: '{"instance","action","status":"destroyed"|"already-gone"}',
      load: () => loadChange().then(({ vastDestroy }) => vastDestroy)
    },
    {
      name: "label",
      summary: "Label an instance",
      arguments: [instance, { name: "TEXT", summary: "the label; an empty one takes it away" }],
      flags: [jsonFlag],
      document: '{"instance","action","label"}',
      load: () => loadChange().then(({ vastLabel }) => vastLabel)
    },
    {
      name: "logs",
      summary: "What an instance's container printed",
      arguments: [instance],
      flags: [
        { name: "tail", value: "N", summary: "Lines from the end (default: 1000)" },
        { name: "filter", value: "PATTERN", summary: "Only lines that match this pattern of grep" },
        { name: "daemon", summary: "The log of the machine's daemon instead" },
        { name: "timeout", value: "DURATION", summary: "How long to wait for the log (default: 30s)" },
        jsonFlag
      ],
      document: '{"instance","log"}',
      load: () => loadInside().then(({ vastLogs }) => vastLogs)
    },
    {
      name: "execute",
      summary: "Run ls, rm or du in an instance's files, also while it is stopped",
      arguments: [instance, { name: "COMMAND", summary: "in quotes, such as 'ls -l /workspace'" }],
      flags: [jsonFlag],
      document: '{"instance","command","output"}',
      load: () => loadInside().then(({ vastExecute }) => vastExecute)
    },
    {
      name: "ssh-url",
      summary: "Where an instance's SSH server is, as ssh://root@HOST:PORT",
      arguments: [instance],
      flags: [routeFlag, jsonFlag],
      document: '{"instance","urls":[{"kind","host","port","user","url"}]}',
      load: () => loadAddresses().then(({ vastSshUrl }) => vastSshUrl)
    },
    {
      name: "scp-url",
      summary: "The same as scp://root@HOST:PORT",
      arguments: [instance],
      flags: [routeFlag, jsonFlag],
      document: '{"instance","urls":[{"kind","host","port","user","url"}]}',
      load: () => loadAddresses().then(({ vastScpUrl }) => vastScpUrl)
    },
    vastKeys,
    vastEnv,
    wait
  ]
}
