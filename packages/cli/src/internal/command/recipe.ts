/** `toehold recipe`: what can be set up, how, and setting it up. */
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import * as Provision from "@toehold/bootstrap-service/Provision"
import * as Recipe from "@toehold/bootstrap-service/Recipe"
import * as PortForward from "@toehold/ssh-core/PortForward"
import * as SshForward from "@toehold/ssh-core/SshForward"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { HeartbeatInterval } from "../heartbeat.ts"
import { loginOptions, openMachine } from "../machine.ts"
import { plain, print, printJson } from "../print.ts"
import { readRecipes } from "../provision/options.ts"
import { makeReport } from "../provision/report.ts"
import { readSecrets } from "../provision/secrets.ts"
import { readWay } from "../way.ts"

const documentOf = (recipe: Recipe.Recipe) => ({
  name: recipe.name,
  version: recipe.version,
  summary: recipe.summary,
  secrets: recipe.secrets,
  arguments: recipe.arguments,
  start: recipe.start ?? null,
  port: recipe.port ?? null,
  forward: recipe.forward ?? null,
  source: recipe.source
})

export const recipeList: Handler = Effect.fnUntraced(function* (invocation) {
  const recipes = yield* readRecipes
  if (invocation.has("json")) yield* printJson({ recipes: recipes.map(documentOf) })
  else {
    for (const { name, source, summary, version } of recipes) {
      const from = source === "shipped" ? "" : `  [${source}]`
      yield* print(`${plain(`${name.padEnd(12)}  ${version.padEnd(4)}  ${summary}${from}`)}\n`)
    }
  }
  return ExitCode.done
})

export const recipeShow: Handler = Effect.fnUntraced(function* (invocation) {
  const recipe = yield* Effect.fromResult(Recipe.find(yield* readRecipes, invocation.argument(0)))
  yield* invocation.has("json") ? printJson({ ...documentOf(recipe), script: recipe.script }) : print(recipe.script)
  return ExitCode.done
})

export const recipeRun: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    const recipe = yield* Effect.fromResult(Recipe.find(yield* readRecipes, invocation.argument(1)))
    const { onEvent, steps } = yield* makeReport(invocation)
    const { processes } = yield* openMachine(invocation, machine)
    const { facts } = yield* Provision.ready({
      recipes: [{ recipe, arguments: invocation.arguments.slice(2) }],
      secrets: yield* readSecrets(invocation),
      ...(recipe.start === undefined ? { app: false as const } : {}),
      tunnel: false,
      heartbeat: yield* HeartbeatInterval,
      onEvent
    }).pipe(
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes),
      Effect.provide(FetchHttpClient.layer)
    )
    const { forward, name, port, version } = recipe
    const isForwarding = forward !== undefined && invocation.has("forward")
    yield* invocation.has("json")
      ? printJson({ machine, recipe: name, version, port: port ?? null, workspace: facts.workspace, steps })
      : print(
          forward !== undefined && !isForwarding
            ? `${name} is ready; for port ${forward} here: toehold forward ${machine} -L ${forward}:127.0.0.1:${forward}\n`
            : `${name} is ready.\n`
        )
    if (!isForwarding) return ExitCode.done
    const spec = yield* Effect.fromResult(PortForward.parse("local", `${forward}:127.0.0.1:${forward}`))
    const { connect } = yield* readWay(invocation, machine, yield* loginOptions(invocation))
    const kept = yield* SshForward.keep({ connect, forwards: [spec], onEvent: () => Effect.void })
    yield* Effect.forEach(kept.listening, ({ listen }) =>
      invocation.has("json") ? printJson({ ready: true, listen }) : print(`${listen} leads to it.\n`)
    )
    return yield* kept.ended
  }).pipe(Effect.scoped)
