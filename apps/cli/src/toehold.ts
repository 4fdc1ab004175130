#!/usr/bin/env node
/**
 * The entry. The program stands in this very file as a text and is compiled only when it is needed, so that a call that
 * needs none of it costs no more than Node itself.
 */
import { keepMemoryLow } from "./memory.ts"

/** Put in by the build: the program's version, and all of its code as one CommonJS module. */
declare const programVersion: string
declare const programCode: string

// Asked for where they are needed: even the modules that Node has loaded already take time to be imported.
const { getBuiltinModule } = process

type Main = (words: ReadonlyArray<string>, version: string) => Promise<number>

const under = (folder: string | undefined, ...names: ReadonlyArray<string>): string | undefined =>
  folder === undefined || folder === "" ? undefined : getBuiltinModule("node:path").join(folder, ...names)

/** Where programs keep what they can make again; `undefined` for somebody without a home. */
const cacheFolder = (): string | undefined => {
  const { env, platform } = process
  const own = under(env["TOEHOLD_HOME"])
  if (own !== undefined) return own
  if (platform === "win32") return under(env["LOCALAPPDATA"])
  const home = platform === "darwin" ? under(env["HOME"], "Library", "Caches") : under(env["HOME"], ".cache")
  return under(env["XDG_CACHE_HOME"]) ?? home
}

/** What lies in a cache of compiled code is run: under sudo another user's home must not be one. */
const isOurs = (folder: string): boolean => {
  try {
    const info = getBuiltinModule("node:fs").statSync(folder, { throwIfNoEntry: false })
    return info === undefined || process.getuid === undefined || info.uid === process.getuid()
  } catch {
    return false
  }
}

/** A module that compiles a text; Node has had this method for ever, but does not describe it. */
interface TextModule {
  filename: string
  exports: { readonly main?: Main }
  _compile(code: string, filename: string): void
}

const loadMain = (): Main => {
  // A compiler thread that waits for memory when Node ends keeps it from ending for ever (nodejs/node#64274), and the
  // exit code would never come. Only this compiler asks for memory of that kind; it is as good on the main thread.
  getBuiltinModule("node:v8").setFlagsFromString("--no-concurrent-sparkplug")
  // Node 22.8 and newer keep the compiled code between runs.
  const cache = cacheFolder()
  const Module = getBuiltinModule("node:module")
  if (cache !== undefined && isOurs(cache)) Module.enableCompileCache?.(under(cache, "toehold", "compiled"))
  const filename = getBuiltinModule("node:url").fileURLToPath(import.meta.url)
  const program = new Module.Module(filename) as unknown as TextModule // see there
  program.filename = filename
  program._compile(programCode, filename)
  if (program.exports.main === undefined) throw new Error("the program is not whole")
  return program.exports.main
}

const words = process.argv.slice(2)
if (words.length === 1 && words[0] === "--version") process.stdout.write(`${programVersion}\n`)
else {
  keepMemoryLow(["put", "get", "sync"].includes(process.argv[2] ?? "") ? "files" : "output")
  process.exit(await loadMain()(words, programVersion))
}
