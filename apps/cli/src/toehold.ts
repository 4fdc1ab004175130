#!/usr/bin/env node
/**
 * The entry. The program stands in this very file as a text and is compiled only when it is needed, so that a call that
 * needs none of it costs no more than Node itself.
 */
import { createRequire } from "node:module"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { compileFunction } from "node:vm"
import { code, version } from "virtual:program"

type Main = (words: ReadonlyArray<string>, version: string) => Promise<number>

const loadMain = (): Main => {
  const filename = fileURLToPath(import.meta.url)
  const module: { exports: { main?: Main } } = { exports: {} }
  const run = compileFunction(code, ["module", "exports", "require", "__filename", "__dirname"], { filename })
  run(module, module.exports, createRequire(filename), filename, dirname(filename))
  if (module.exports.main === undefined) throw new Error("the program is not whole")
  return module.exports.main
}

const words = process.argv.slice(2)
if (words.length === 1 && words[0] === "--version") process.stdout.write(`${version}\n`)
else process.exit(await loadMain()(words, version))
