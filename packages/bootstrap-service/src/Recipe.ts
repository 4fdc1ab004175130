/**
 * Recipes: named and versioned shell scripts that set something up on a machine, and do nothing the second time. Some
 * ship with the package; a user adds others as files.
 *
 * @since 0.1.0
 */
import { Effect, FileSystem, Path, type Redacted, Result } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { runWork, maxScript } from "./internal/provision/work.ts"
import { parseRecipe } from "./internal/recipe/header.ts"
import type { Recipe } from "./internal/recipe/model.ts"
import { shipped } from "./internal/recipe/shipped.ts"
import type { MachineFacts } from "./MachineFacts.ts"
import * as ProvisionError from "./ProvisionError.ts"

export type { Parameter, Recipe } from "./internal/recipe/model.ts"

/**
 * Reads a recipe: a POSIX shell (or bash) script whose first comment lines describe it.
 *
 * ```sh
 * #!/bin/sh
 * # recipe: NAME
 * # version: 1
 * # summary: What it sets up
 * # secret: NAME what for          (or: optional-secret)
 * # argument: NAME what it is      (or: optional-argument)
 * # port: 8188
 * # forward: 11434
 * # start: exec program
 * ```
 *
 * The script runs in the workspace with `WORKSPACE` and the secrets in its environment and the arguments as `$1` and on.
 * It must do nothing where its work is done. Fails with `RecipeInvalid`.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parse = (text: string, source: string): Result.Result<Recipe, ProvisionError.ProvisionError> =>
  Result.mapError(parseRecipe(text, source), (detail) =>
    ProvisionError.make(
      new ProvisionError.RecipeInvalid({
        recipe: source,
        detail,
        hint: "See toehold help provisioning for what a recipe's first lines say."
      })
    )
  )

/**
 * The recipes that ship with the package.
 *
 * @since 0.1.0
 * @category accessors
 */
export const builtIn: ReadonlyArray<Recipe> = shipped

/**
 * The recipes of a folder, files that end in `.sh`, with those that ship and have another name. A folder that does not
 * exist has none. Fails with `RecipeInvalid` for a file that is none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const list = Effect.fn("Recipe.list")(function* (
  folder?: string | undefined
): Effect.fn.Return<ReadonlyArray<Recipe>, ProvisionError.ProvisionError, FileSystem.FileSystem | Path.Path> {
  if (folder === undefined) return builtIn
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = (yield* fs.readDirectory(folder).pipe(Effect.orElseSucceed(() => []))).filter((name) =>
    name.endsWith(".sh")
  )
  const own = yield* Effect.forEach(names.toSorted().slice(0, maxRecipes), (name) => readFile(path.join(folder, name)))
  const taken = new Set(own.map(({ name }) => name))
  return [...own, ...builtIn.filter(({ name }) => !taken.has(name))].toSorted((first, second) =>
    first.name < second.name ? -1 : 1
  )
})

const maxRecipes = 500

const readFile = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const unreadable = (detail: string) =>
    ProvisionError.make(
      new ProvisionError.RecipeInvalid({ recipe: path, detail, hint: "Mend the file, or take it out of the folder." })
    )
  const { size } = yield* Effect.mapError(fs.stat(path), (error) => unreadable(error.reason._tag))
  if (size > maxScript) return yield* unreadable(`it is larger than ${maxScript} bytes`)
  const text = yield* Effect.mapError(fs.readFileString(path), (error) => unreadable(error.reason._tag))
  return yield* Effect.fromResult(parse(text, path))
})

/**
 * The recipe of a name. Fails with `RecipeInvalid` where there is none.
 *
 * @since 0.1.0
 * @category accessors
 */
export const find = (
  recipes: ReadonlyArray<Recipe>,
  name: string
): Result.Result<Recipe, ProvisionError.ProvisionError> => {
  const found = recipes.find((recipe) => recipe.name === name)
  if (found !== undefined) return Result.succeed(found)
  return Result.fail(
    ProvisionError.make(
      new ProvisionError.RecipeInvalid({
        recipe: name,
        detail: "there is no such recipe",
        hint: `There are ${recipes.map((recipe) => recipe.name).join(", ")}.`
      })
    )
  )
}

/**
 * What a recipe runs with.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions {
  readonly arguments?: ReadonlyArray<string> | undefined
  readonly secrets?: Readonly<Record<string, Redacted.Redacted<string>>> | undefined
  /** A line that the script printed, without secrets. */
  readonly onLine?: ((line: string) => Effect.Effect<void>) | undefined
  readonly onProgress?: ((detail: string) => Effect.Effect<void>) | undefined
}

const nothing = () => Effect.void

/**
 * Runs a recipe on a machine as a job and follows it to its end: one that is under way is followed, one that is done is
 * not run again, one that failed is started anew. It starts no service. Fails with `SecretsMissing`, `RecipeInvalid`,
 * `ProvisioningFailed` or `JobFailed`.
 *
 * @since 0.1.0
 * @category running
 */
export const run = Effect.fn("Recipe.run")(function* (
  recipe: Recipe,
  facts: Pick<MachineFacts, "path" | "workspace">,
  options: RunOptions = {}
): Effect.fn.Return<
  { readonly skipped: boolean; readonly job: string },
  ProvisionError.ProvisionError,
  ChildProcessSpawner.ChildProcessSpawner
> {
  const { arguments: args = [], secrets = {} } = options
  const missing = recipe.secrets.filter(({ isOptional, name }) => !isOptional && !Object.hasOwn(secrets, name))
  if (missing.length > 0) {
    return yield* ProvisionError.make(
      new ProvisionError.SecretsMissing({
        names: missing.map(({ name }) => name),
        source: `the recipe ${recipe.name} wants them`
      })
    )
  }
  const needed = recipe.arguments.filter(({ isOptional }) => !isOptional).length
  if (args.length < needed || args.length > recipe.arguments.length) {
    const takes = recipe.arguments.map(({ isOptional, name }) => (isOptional ? `[${name}]` : name)).join(" ")
    return yield* ProvisionError.make(
      new ProvisionError.RecipeInvalid({
        recipe: recipe.name,
        detail: `it takes ${takes === "" ? "no arguments" : `the arguments ${takes}`}, and was given ${args.length}`,
        hint: `See: toehold recipe show ${recipe.name}`
      })
    )
  }
  const { id, skipped } = yield* runWork(
    { ...recipe, args, secrets, step: "provisioning", facts },
    { onLine: options.onLine ?? nothing, onProgress: options.onProgress ?? nothing }
  )
  return { skipped, job: id }
})
