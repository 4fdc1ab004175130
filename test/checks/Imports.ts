/**
 * What a source file imports and exports, read with a parser.
 */
import { type Comment, parseSync, Visitor } from "oxc-parser"

/** Every module that a file names: imports, type-only ones too, re-exports, dynamic imports and `import("…")` types. */
export const importsOf = (path: string, text: string): ReadonlyArray<string> => {
  const { program } = parseSync(path, text)
  const found: Array<string> = []
  const add = (source: { readonly type: string; readonly value?: unknown } | null | undefined) => {
    if (source?.type === "Literal" && typeof source.value === "string") found.push(source.value)
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    TSImportType: (node) => add(node.source)
  }).visit(program)
  return [...new Set(found)]
}

/** Names that a file exports by a declaration of its own that has no doc comment with `@since` right before it. */
export const exportsWithoutSince = (path: string, text: string): ReadonlyArray<string> => {
  const { comments, program } = parseSync(path, text)
  const documented = (start: number): boolean => {
    const isBefore = (comment: Comment) => comment.end <= start && text.slice(comment.end, start).trim() === ""
    return comments.some((comment) => comment.type === "Block" && isBefore(comment) && /@since \d/.test(comment.value))
  }
  const namesOf = (declaration: { readonly type: string; readonly start: number; readonly end: number }): string =>
    /^(?:declare |abstract |async |const |let |class |interface |type |function\*? ?|namespace )*([\w$]+)/.exec(
      text.slice(declaration.start, declaration.end)
    )?.[1] ?? declaration.type
  const without: Array<string> = []
  // An overloaded function is documented on its first signature.
  const seen = new Set<string>()
  for (const node of program.body) {
    if (node.type === "ExportDefaultDeclaration" && !documented(node.start)) without.push("default")
    if (node.type !== "ExportNamedDeclaration" || node.declaration === null) continue
    const name = namesOf(node.declaration)
    if (!seen.has(name) && !documented(node.start)) without.push(name)
    if (node.declaration.type === "TSDeclareFunction") seen.add(name)
  }
  return without
}
