/** Trees of files on the disk of the tests: made up, written, and looked at. */
import { Arbitrary, Schema } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"

/** What a tree is to hold, by path; parents first. */
export type Spec = ReadonlyMap<string, Node>

export type Node =
  | { readonly type: "file"; readonly data: Uint8Array; readonly mode: number; readonly mtime: number }
  | { readonly type: "directory"; readonly mode: number; readonly mtime: number }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "name"; readonly of: string }

export const file = (
  data: string | Uint8Array,
  options: { readonly mode?: number; readonly mtime?: number } = {}
): Node => ({
  type: "file",
  data: typeof data === "string" ? new TextEncoder().encode(data) : data,
  mode: options.mode ?? 0o644,
  mtime: options.mtime ?? 1_700_000_000
})

export const folder = (options: { readonly mode?: number; readonly mtime?: number } = {}): Node => ({
  type: "directory",
  mode: options.mode ?? 0o755,
  mtime: options.mtime ?? 1_600_000_000
})

export const link = (target: string): Node => ({ type: "link", target })

export const treeOf = (nodes: Readonly<Record<string, Node>>): Spec => new Map(Object.entries(nodes))

/** Writes it below a folder, which is made. Times and modes last, the deepest first. */
export const write = (root: string, spec: Spec): void => {
  Fs.mkdirSync(root, { recursive: true })
  for (const [path, node] of spec) {
    const full = Path.join(root, path)
    if (node.type === "directory") Fs.mkdirSync(full, { recursive: true })
    else if (node.type === "file") Fs.writeFileSync(full, node.data)
    else if (node.type === "link") Fs.symlinkSync(node.target, full)
    else Fs.linkSync(Path.join(root, node.of), full)
  }
  for (const [path, node] of [...spec].reverse()) {
    if (node.type === "link" || node.type === "name") continue
    const full = Path.join(root, path)
    Fs.utimesSync(full, node.mtime, node.mtime)
    Fs.chmodSync(full, node.mode)
  }
}

/** One line for each thing below a folder: all that a transfer is to keep. */
export const look = (root: string, options: { readonly modes?: boolean } = {}): ReadonlyArray<string> => {
  const inodes = new Map<string, string>()
  const below = (folder: string): ReadonlyArray<string> =>
    Fs.readdirSync(Path.join(root, folder))
      .sort()
      .flatMap((name) => {
        const path = folder === "" ? name : `${folder}/${name}`
        const full = Path.join(root, path)
        const stat = Fs.lstatSync(full)
        const time = ` ${Math.floor(stat.mtimeMs / 1000)}`
        const mode = options.modes === false ? "" : (stat.mode & 0o7777).toString(8)
        const shown = JSON.stringify(path)
        if (stat.isSymbolicLink()) return [`${shown} -> ${Fs.readlinkSync(full)}`]
        if (stat.isDirectory()) return [`${shown}/ ${mode}${time}`, ...below(path)]
        const first = stat.nlink > 1 ? inodes.get(`${stat.ino}`) : undefined
        inodes.set(`${stat.ino}`, shown)
        const sum = Crypto.createHash("sha256").update(Fs.readFileSync(full)).digest("hex").slice(0, 12)
        return [`${shown} ${mode}${time} ${stat.size} ${sum}${first === undefined ? "" : ` is ${first}`}`]
      })
  return below("")
}

export const bytes = (length: number, seed = 1): Uint8Array => {
  const data = new Uint8Array(length)
  let state = seed >>> 0 || 1
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    data[at] = state >>> 24
  }
  return data
}

const odd = [
  "a",
  "b c",
  "-rf",
  "--help",
  "é",
  "日本",
  "new\nline",
  "tab\t",
  "'quote'",
  '"double"',
  "back\\slash",
  "$(x)",
  "`x`",
  "*",
  "?",
  "[a]",
  "~",
  "@a",
  "#",
  " ",
  ".hidden",
  "..x",
  "a.toehold-b",
  "\u001b[31m",
  "n".repeat(120),
  "ü".repeat(100),
  "%s",
  "c:d"
]

const name = Schema.Union([
  Schema.Literals(odd),
  Schema.String.pipe(
    Schema.check(
      Schema.makeFilter(
        (text: string) =>
          text !== "" &&
          text !== "." &&
          text !== ".." &&
          !/[/\0\uFFFD]/.test(text) &&
          text.isWellFormed() &&
          !text.startsWith(".toehold-") &&
          Buffer.byteLength(text) <= 200
      )
    )
  )
])

const leaf = Schema.Struct({
  kind: Schema.Literals(["file", "file", "file", "directory", "link", "name"]),
  name,
  parent: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 50 }))),
  size: Schema.Literals([0, 0, 1, 511, 512, 513, 4096, 70_000]),
  mode: Schema.Literals([0o644, 0o600, 0o755, 0o400, 0o664, 0o4755]),
  mtime: Schema.Literals([0, 1, 1_000_000_000, 1_700_000_000.5, 4_000_000_000]),
  target: Schema.Literals(["a", "../a", "/etc/passwd", "../../../..", "x".repeat(150), "b c", "dangling\nlink"])
})

const maxPath = 1000

const specFrom = (leaves: ReadonlyArray<typeof leaf.Type>): Spec => {
  const nodes = new Map<string, Node>()
  const folders = [""]
  const files: Array<string> = []
  for (const [index, item] of leaves.entries()) {
    const above = folders[item.parent % folders.length] ?? ""
    const path = above === "" ? item.name : `${above}/${item.name}`
    if (nodes.has(path) || Buffer.byteLength(path) > maxPath) continue
    const first = files[item.parent % Math.max(1, files.length)]
    if (item.kind === "directory") {
      nodes.set(path, folder({ mode: item.mode | 0o700, mtime: item.mtime }))
      folders.push(path)
    } else if (item.kind === "link") nodes.set(path, link(item.target))
    else if (item.kind === "name" && first !== undefined) nodes.set(path, { type: "name", of: first })
    else {
      nodes.set(path, file(bytes(item.size, index + 1), { mode: item.mode, mtime: item.mtime }))
      files.push(path)
    }
  }
  return nodes
}

/** Any tree: names that programs stumble over, empty files and folders, links of every kind, old and late times. */
export const anyTree: Arbitrary.Arbitrary<Spec> = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(leaf), { minLength: 0, maxLength: 30 }),
  specFrom
)
