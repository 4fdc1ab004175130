import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { pages, topicModule } from "../scripts/helpTopics.ts"
import { root } from "./checks/Workspace.ts"

const read = (path: string): string => Fs.readFileSync(Path.join(root, path), "utf8")

describe("help topics", () => {
  it.each(Object.entries(pages))("%s says what %s says (else run: node scripts/helpTopics.ts)", (file, page) => {
    expect(read(file)).toBe(topicModule(page, read(page)))
  })

  it("are plain: each line of the program's own pages fits a wide terminal, tables aside", () => {
    for (const page of ["docs/for-agents.md", "docs/exit-codes.md", "docs/environment.md"]) {
      const lines = read(page)
        .split("\n")
        .filter((line) => !line.startsWith("|"))
      expect(lines.filter((line) => line.length > 125)).toEqual([])
    }
  })
})
