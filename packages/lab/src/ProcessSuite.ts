/**
 * The tests that every `ChildProcessSpawner` of `effect` must pass, whatever carries it: written against the local one,
 * then run over each transport. The machine needs a POSIX shell with its usual programs, and `/proc` as Linux has it.
 *
 * @since 0.1.0
 */
import { describe, layer as withLayer } from "@effect/vitest"
import { Layer } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { descriptors } from "./internal/processSuite/descriptors.ts"
import { endings } from "./internal/processSuite/endings.ts"
import { environment } from "./internal/processSuite/environment.ts"
import { failures } from "./internal/processSuite/failures.ts"
import { groups as processGroups } from "./internal/processSuite/groups.ts"
import { input } from "./internal/processSuite/input.ts"
import { type Capabilities as Capabilities_, Patience } from "./internal/processSuite/machine.ts"
import { output } from "./internal/processSuite/output.ts"
import { pipelines } from "./internal/processSuite/pipelines.ts"
import { words } from "./internal/processSuite/words.ts"

/**
 * What a transport can't do, which must then be a typed error, and how much the suite asks of it.
 *
 * @since 0.1.0
 * @category models
 */
export type Capabilities = Capabilities_

const groups = {
  "programs and their arguments": words,
  "folder and environment": environment,
  "standard input": input,
  "output streams": output,
  endings,
  "groups and scopes": processGroups,
  pipelines,
  "further file descriptors": descriptors,
  failures
}

/**
 * Declares the tests; the layer is built once for all of them and may be of any machine.
 *
 * @since 0.1.0
 * @category constructors
 */
export const suite = <R extends ChildProcessSpawner.ChildProcessSpawner, E>(
  title: string,
  layer: Layer.Layer<R, E>,
  capabilities: Capabilities = {}
): void =>
  withLayer(
    Layer.merge(
      layer as Layer.Layer<ChildProcessSpawner.ChildProcessSpawner, E>,
      Layer.succeed(Patience, capabilities.patience ?? 1)
    ),
    { excludeTestServices: true }
  )(title, (it) => {
    for (const [name, group] of Object.entries(groups)) {
      if (capabilities.only?.includes(name) !== false) describe(name, () => group(it, capabilities))
    }
  })
