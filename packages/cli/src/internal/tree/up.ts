/** `toehold up`, `provision`, `tunnel` and `recipe`, as they are called. */
import type { CommandSpec, FlagSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"
import { secretFlag } from "../provision/secretFlag.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }
const ndjsonFlag: FlagSpec = { name: "ndjson", summary: "Print one JSON document an event" }

const provisioningFlags: ReadonlyArray<FlagSpec> = [
  {
    name: "recipe",
    value: "NAME[=ARG,...]",
    isRepeatable: true,
    summary: "Set this up, in the order given (see: toehold recipe list)"
  },
  { name: "script", value: "FILE", isFile: true, summary: "Run this script of yours there, as a job" },
  secretFlag,
  { name: "timeout", value: "DURATION", summary: "Limit for what is set up (default: 2h); it goes on by itself" }
]

const step = '{"step","durationMs","skipped","detail"}'

export const up: CommandSpec = {
  name: "up",
  summary: "Bring an instance of Vast.ai, or any machine, to a URL that answers",
  description: [
    "Goes step by step: a key, that the instance knows it, that the instance runs, an open port, the login, the shell, what",
    "is provisioned, the app, and a tunnel to it, whose URL is the last line. What is done is skipped: after any failure, and",
    "after a kill of this program, run the same again. A machine that is no instance begins at its login."
  ].join("\n"),
  arguments: [machineArgument],
  flags: [
    { name: "register", summary: "Attach the key to the instance, and register it with the account" },
    { name: "start", summary: "Start the instance if it is stopped, and its billing" },
    { name: "new-host-key", summary: "Take a host key that has changed for the instance's own: you recycled it" },
    ...provisioningFlags,
    { name: "app-port", value: "PORT", summary: "What is served (default: the recipe's port, else ComfyUI's 8188)" },
    { name: "app-command", value: "TEXT", summary: "Shell text that runs it in the workspace" },
    { name: "no-app", summary: "Serve nothing: it ends with what is provisioned" },
    { name: "no-tunnel", summary: "Open no tunnel" },
    { name: "max-hours", value: "HOURS", summary: "The instance stops itself after this time, with nobody connected" },
    {
      name: "stop-after",
      value: "idle[=DURATION]",
      summary: "The instance stops itself when its GPUs were idle so long (default: 30m)"
    },
    { name: "key-window", value: "DURATION", summary: "How long a refused key may be on its way (default: 2m)" },
    { name: "retry-every", value: "DURATION", summary: "Time between two logins meanwhile (default: 15s)" },
    jsonFlag,
    ndjsonFlag,
    ...machineFlags
  ],
  examples: [
    { command: "toehold up vast:41000001 --register --start", summary: "from a stopped instance to ComfyUI's URL" },
    {
      command: "toehold up vast:41000001 --recipe ollama --max-hours 8",
      summary: "another app, and a limit to what it costs"
    },
    { command: "toehold up root@host --secret HF_TOKEN --json", summary: "any machine; the token comes from $HF_TOKEN" }
  ],
  document: `{"machine","url","port","workspace","gpus":[...],"diskFreeBytes","services","forwards","steps":[${step}]}`,
  load: () => import("../command/up.ts").then(({ up }) => up)
}

export const provision: CommandSpec = {
  name: "provision",
  summary: "Set up a machine: its own provisioner, a script, or recipes",
  description: [
    "Waits for the provisioner of a rented image, and runs it again with the secrets that it lacked; or runs a script or",
    "recipes instead. All of it runs as jobs: a connection that is lost, or this program's end, stops nothing, and the same",
    "again follows what is under way."
  ].join("\n"),
  arguments: [machineArgument],
  flags: [...provisioningFlags, jsonFlag, ndjsonFlag, ...machineFlags],
  examples: [
    { command: "toehold provision web --recipe nodejs --recipe claude-code", summary: "two recipes" },
    { command: "toehold provision vast:41000001 --secret HF_TOKEN", summary: "what the image wanted a token for" }
  ],
  document: `{"machine","workspace","gpus","diskFreeBytes","services","forwards","steps":[${step}]}`,
  load: () => import("../command/up.ts").then(({ provision }) => provision)
}

export const tunnel: CommandSpec = {
  name: "tunnel",
  summary: "A public URL for a port of a machine",
  description: [
    "Starts cloudflared there, or finds the one that runs, and prints the URL when it answers. It goes on without a client",
    "until it is stopped. Everybody who knows the URL reaches the port."
  ].join("\n"),
  arguments: [machineArgument, { name: "PORT", summary: "the port of a program there" }],
  flags: [{ name: "stop", summary: "Close it" }, jsonFlag, ...machineFlags],
  examples: [{ command: "toehold tunnel vast:41000001 8188", summary: "ComfyUI for a browser" }],
  document: '{"machine","port","url","status","wasOpen","origin"}, with --stop {"machine","port","closed"}',
  load: () => import("../command/tunnel.ts").then(({ tunnel }) => tunnel)
}

const load = () => import("../command/recipe.ts")
const recipeFields =
  '{"name","version","summary","secrets":[{"name","summary","isOptional"}],"arguments":[...],"start","port","forward","source"}'

export const recipe: CommandSpec = {
  name: "recipe",
  summary: "What can be set up on a machine, and setting it up",
  description:
    "Recipes are shell scripts; yours are the .sh files in TOEHOLD_HOME/recipes or ~/.config/toehold/recipes.",
  children: [
    {
      name: "list",
      summary: "The recipes that there are",
      flags: [jsonFlag],
      document: `{"recipes":[${recipeFields}]}`,
      load: () => load().then(({ recipeList }) => recipeList)
    },
    {
      name: "show",
      summary: "What a recipe does: its script",
      arguments: [{ name: "NAME", summary: "the recipe" }],
      flags: [jsonFlag],
      document: `${recipeFields} with "script"`,
      load: () => load().then(({ recipeShow }) => recipeShow)
    },
    {
      name: "run",
      summary: "Set a recipe up, and start its service",
      arguments: [
        machineArgument,
        { name: "NAME", summary: "the recipe" },
        { name: "ARG", summary: "what the recipe takes", isOptional: true, isRepeatable: true }
      ],
      flags: [
        secretFlag,
        { name: "forward", summary: "Then open the port here that its users want, and stay" },
        jsonFlag,
        ndjsonFlag,
        ...machineFlags
      ],
      examples: [
        { command: "toehold recipe run web ollama --forward", summary: "Ollama there, on port 11434 here" },
        {
          command: "toehold recipe run web clone https://github.com/me/app --secret GITHUB_TOKEN",
          summary: "a private repository"
        }
      ],
      document: `{"machine","recipe","version","port","workspace","steps":[${step}]}`,
      load: () => load().then(({ recipeRun }) => recipeRun)
    }
  ]
}
