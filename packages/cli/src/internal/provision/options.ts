/** What the flags of `up`, `provision` and `recipe run` ask for. */
import { Duration, Effect, Path } from "effect"
import type * as CostGuard from "@toehold/bootstrap-service/CostGuard"
import type * as Provision from "@toehold/bootstrap-service/Provision"
import * as Recipe from "@toehold/bootstrap-service/Recipe"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { UsageError } from "../../UsageError.ts"
import type { Invocation } from "../commandSpec.ts"
import { parseDuration } from "../duration.ts"
import { readBounded } from "../machine.ts"
import { stateFolder } from "../stateFolder.ts"
import { readSecrets } from "./secrets.ts"

/** The recipes that there are: those that ship, and the user's own. */
export const readRecipes = Effect.gen(function* () {
  const path = yield* Path.Path
  return yield* Recipe.list(path.join(yield* stateFolder("config"), "recipes"))
})

const maxScript = 100 * 1024

/** `--recipe NAME`, or `NAME=ARGUMENT,…`. */
const chosenRecipes = Effect.fnUntraced(function* (invocation: Invocation) {
  const asked = invocation.all("recipe")
  if (asked.length === 0) return []
  const recipes = yield* readRecipes
  return yield* Effect.forEach(asked, (text) => {
    const equals = text.indexOf("=")
    const name = equals === -1 ? text : text.slice(0, equals)
    const args = equals === -1 ? [] : text.slice(equals + 1).split(",")
    return Effect.map(Effect.fromResult(Recipe.find(recipes, name)), (recipe) => ({ recipe, arguments: args }))
  })
})

const chosenScript = Effect.fnUntraced(function* (invocation: Invocation) {
  const file = invocation.one("script")
  if (file === undefined) return undefined
  const path = yield* Path.Path
  return { name: path.basename(file), text: new TextDecoder().decode(yield* readBounded(file, maxScript)) }
})

/** What is set up: scripts, recipes and their secrets. */
export const readProvisioning = Effect.fnUntraced(function* (invocation: Invocation) {
  return {
    recipes: yield* chosenRecipes(invocation),
    script: yield* chosenScript(invocation),
    secrets: yield* readSecrets(invocation)
  }
})

export const readPort = Effect.fnUntraced(function* (invocation: Invocation, text: string, what: string) {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65535 ? port : yield* invocation.usage(`${what} ${text}: it is no port.`)
})

/** The app that is served; `undefined` where the recipes or the image say it. */
export const readApp = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<Provision.App | false | undefined, UsageError> {
  if (invocation.has("no-app")) return false
  const port = invocation.one("app-port")
  const command = invocation.one("app-command")
  if (port === undefined && command === undefined) return undefined
  const app: Provision.App = {
    name: "app",
    port: port === undefined ? 8188 : yield* readPort(invocation, port, "--app-port"),
    command
  }
  return app
})

/** Hours with decimals. */
const hoursOf = (text: string): Duration.Duration | undefined => {
  const hours = /^\d{1,5}(?:\.\d{1,4})?$/.test(text) ? Number(text) : 0
  return hours > 0 ? Duration.hours(hours) : undefined
}

/** When the instance stops itself. */
export const readGuard = Effect.fnUntraced(function* (invocation: Invocation) {
  const hours = invocation.one("max-hours")
  const after = invocation.one("stop-after")
  if (hours === undefined && after === undefined) return undefined
  const maxTime = hours === undefined ? undefined : hoursOf(hours)
  if (hours !== undefined && maxTime === undefined) {
    return yield* invocation.usage(`--max-hours ${hours}: it is no number of hours.`)
  }
  const idle = after === undefined ? undefined : /^idle(?:=(.+))?$/.exec(after)
  if (idle === null) {
    return yield* invocation.usage(`--stop-after ${after}: it is neither idle nor idle=DURATION, such as idle=30m.`)
  }
  const idleFor = idle === undefined ? undefined : yield* idleTime(invocation, idle[1] ?? "30m")
  const { env } = yield* ClientPlatform
  const api = env["VAST_URL"]
  const guard: CostGuard.Options = { maxTime, idleFor, ...(api === undefined || api === "" ? {} : { api }) }
  return guard
})

const idleTime = (invocation: Invocation, text: string) => {
  const parsed = parseDuration(text)
  return parsed._tag === "Success"
    ? Effect.succeed(Duration.millis(parsed.success))
    : Effect.fail(invocation.usage(`--stop-after idle=${text}: ${parsed.failure}.`))
}
