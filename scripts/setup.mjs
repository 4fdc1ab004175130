/**
 * Installs what the lockfile names, Node 24 included, before a root script runs. Plain JavaScript on purpose: this one
 * file is started by whatever Node the machine has. `pnpm --silent run` would install by itself, but says nothing
 * while it downloads and nothing when it fails.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const isFirst = !existsSync(new URL("../node_modules/.modules.yaml", import.meta.url))

if (isFirst) process.stderr.write("Installing Node 24 and the dependencies from the lockfile (once)\n")

// One string through the shell: npx is a .cmd file on Windows, which can't be started without one. pnpm's progress goes
// to stderr, so that stdout belongs to the script that follows.
const install = spawnSync(`npx -y ${packageManager} install --frozen-lockfile --reporter=append-only`, {
  cwd: root,
  shell: true,
  stdio: isFirst ? ["ignore", 2, 2] : ["ignore", "pipe", "pipe"]
})

if (install.status !== 0) {
  for (const output of [install.stdout, install.stderr]) if (output) process.stderr.write(output)
  process.stderr.write(
    "The dependencies could not be installed. Is the npm registry reachable (npm config get registry), and does pnpm-lock.yaml agree with every package.json?\n"
  )
  process.exit(install.status ?? 1)
}
