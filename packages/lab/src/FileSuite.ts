/**
 * The tests that every `FileSystem` of `effect` must pass, whatever carries it: written against the local one, then run
 * over each transport.
 *
 * @since 0.1.0
 */
import { describe, layer as withLayer } from "@effect/vitest"
import type { FileSystem, Layer } from "effect"
import { contents } from "./internal/fileSuite/contents.ts"
import { folders } from "./internal/fileSuite/folders.ts"
import { handles } from "./internal/fileSuite/handles.ts"
import { links } from "./internal/fileSuite/links.ts"
import { metadata } from "./internal/fileSuite/metadata.ts"
import { oddNames } from "./internal/fileSuite/names.ts"
import type { Capabilities as Capabilities_ } from "./internal/fileSuite/place.ts"
import { streams } from "./internal/fileSuite/streams.ts"
import { watching } from "./internal/fileSuite/watching.ts"

/**
 * What a transport does less well than the machine's own file system, and what the suite may use to look at more.
 *
 * @since 0.1.0
 * @category models
 */
export type Capabilities = Capabilities_

const groups = {
  "whole files": contents,
  "open files": handles,
  "streams and sinks": streams,
  folders,
  "links, moves and copies": links,
  "what is known of files": metadata,
  names: oddNames,
  watching
}

/**
 * Declares the tests; the layer is built once for all of them and may be of any machine. Every error must have the tag
 * that Node's own layer gives it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const suite = <R extends FileSystem.FileSystem, E>(
  title: string,
  layer: Layer.Layer<R, E>,
  capabilities: Capabilities = {}
): void =>
  withLayer(layer as Layer.Layer<FileSystem.FileSystem, E>, { excludeTestServices: true })(title, (it) => {
    for (const [name, group] of Object.entries(groups)) {
      if (capabilities.only?.includes(name) !== false) describe(name, () => group(it, capabilities))
    }
  })
