/**
 * Writes the help topics of the program from the pages in `docs/`, which are their one source:
 * `node scripts/helpTopics.ts`. A test says when it must be run.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.dirname(import.meta.dirname)
const folder = "packages/cli/src/internal/topic"

/** Pages by the file of the topic. */
export const pages: Readonly<Record<string, string>> = {
  [`${folder}/agents.ts`]: "docs/for-agents.md",
  [`${folder}/jobs.ts`]: "docs/jobs.md",
  [`${folder}/provisioning.ts`]: "docs/provisioning.md",
  [`${folder}/machines.ts`]: "docs/targets.md",
  [`${folder}/transfers.ts`]: "docs/transfers.md",
  [`${folder}/exitCodes.ts`]: "docs/exit-codes.md",
  [`${folder}/environment.ts`]: "docs/environment.md",
  [`${folder}/formatting.ts`]: "docs/output.md",
  [`${folder}/interactive.ts`]: "docs/interactive.md",
  [`${folder}/vast.ts`]: "docs/vast.md",
  [`${folder}/errors.ts`]: "docs/errors.md"
}

/** A page as it is shown in a terminal, where links lead nowhere. */
export const topicText = (page: string): string => page.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1")

/** The module that holds a topic. */
export const topicModule = (path: string, page: string): string => {
  const text = topicText(page).replace(/[\\`]|\$\{/g, "\\$&")
  return `/** The page ${path}, written here by: node scripts/helpTopics.ts */\nexport const text = \`${text}\`\n`
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, page] of Object.entries(pages)) {
    const markdown = Fs.readFileSync(Path.join(root, page), "utf8")
    Fs.writeFileSync(Path.join(root, file), topicModule(page, markdown))
  }
}
