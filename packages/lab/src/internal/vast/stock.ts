/** What is on a machine when an instance starts there for the first time: the vendor's image, in small. */
import { Effect, FileSystem, Path, type PlatformError } from "effect"
import type { LoginShell } from "../../LoginShell.ts"
import * as RealPart from "../../RealPart.ts"

export interface Where {
  /** The machine's folder. */
  readonly place: string
  /** The home folder of the login user, in it. */
  readonly homeDir: string
  /** Where the workspace is: at `/workspace` or only in the home folder. */
  readonly workspace: "root" | "home"
  /** The script of the instance's own, which runs at each start. */
  readonly onstart: string | undefined
}

export interface Stock {
  readonly shell: LoginShell
  /** What the server sends before the login. */
  readonly bannerText: string
  readonly env: (where: Where) => Readonly<Record<string, string>>
  /** Folders of the machine's under the names that they have inside of the instance. */
  readonly mounts: (where: Where) => Readonly<Record<string, string>>
  readonly put: (where: Where) => Effect.Effect<void, PlatformError.PlatformError>
  /** What a machine must be told anew when the simulator was started again. */
  readonly connect: (where: Where) => Effect.Effect<void, PlatformError.PlatformError>
}

const bannerText = `Welcome to vast.ai. If authentication fails, try again after a few seconds, and double check your ssh key.
Have fun!
`

const bashrc = `# Interactive logins share one terminal.
case $- in
  *i*)
    if [ -z "$TMUX" ] && [ ! -e "$HOME/.no_auto_tmux" ] && command -v tmux >/dev/null; then
      tmux attach-session -t ssh_tmux 2>/dev/null || tmux new-session -s ssh_tmux
      exit
    fi
    ;;
esac
`

const findWorkspace = `if [ -d /workspace ]; then WORKSPACE=/workspace; else WORKSPACE=$HOME/workspace; fi
export WORKSPACE
`

/** The image's own provisioning. Its result is a file, which says whether it was done, and how often. */
const provisioning = `#!/bin/sh
# Gets what the image is for.
${findWorkspace}echo "$(date -u +%FT%TZ) provisioning started in $WORKSPACE"
for name in HF_TOKEN; do
  eval "value=\\\${$name-}"
  if [ -z "$value" ]; then
    echo "ERROR: $name is not set: the models can't be downloaded" >&2
    echo "Provisioning failed with exit code 1" >&2
    exit 1
  fi
done
mkdir -p "$WORKSPACE/models"
echo done >>"$WORKSPACE/models/downloaded"
echo "$(date -u +%FT%TZ) Provisioning complete!"
`

const onstart = `#!/bin/sh
${findWorkspace}exec sh "$WORKSPACE/provision_image.sh"
`

/** Runs the start script, and keeps what it says where the image keeps it. */
const boot = `${findWorkspace}log=$WORKSPACE/provision_image.log
portal=/var/log/portal
[ -d "$portal" ] || portal=$HOME/.portal-log
mkdir -p "$portal"
sh "$HOME/onstart.sh" >"$log" 2>&1
status=$?
cat "$log" >"$portal/provisioning.log"
exit $status
`

export const bannerPath = (place: string): string => `${place}/banner`

export interface Options {
  /** Where the stand-in for cloudflared gets its names. */
  readonly edge: string
}

const program = new URL("./cloudflaredProgram.ts", import.meta.url).pathname

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** What the machine runs at each start. */
export const bootCommand = ["sh", "-c", boot] as const

export const make = (options: Options): Effect.Effect<Stock, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { join } = yield* Path.Path
    const hasSystemd = yield* Effect.orElseSucceed(fs.exists("/run/systemd"), () => false)
    const connect = ({ place }: Where) =>
      fs.writeFileString(
        join(place, "bin/cloudflared"),
        `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(program)} ${quote(options.edge)} "$@"\n`,
        { mode: 0o755 }
      )
    return {
      shell: RealPart.find("bash") === undefined ? "sh" : "bash",
      bannerText,
      env: ({ place }) => ({ PATH: `${place}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` }),
      mounts: ({ place, workspace }) => ({
        "/var/log": join(place, "log"),
        ...(workspace === "root" ? { "/workspace": join(place, "workspace") } : {}),
        // There is no service manager in a container.
        ...(hasSystemd ? { "/run/systemd": join(place, "empty") } : {})
      }),
      put: Effect.fnUntraced(function* (where: Where) {
        const { homeDir, place } = where
        const workspace = join(where.workspace === "root" ? place : homeDir, "workspace")
        for (const folder of [workspace, join(place, "log/portal"), join(place, "empty"), join(place, "bin")]) {
          yield* fs.makeDirectory(folder, { recursive: true })
        }
        yield* fs.writeFileString(bannerPath(place), bannerText)
        yield* fs.writeFileString(join(homeDir, ".bashrc"), bashrc)
        yield* fs.writeFileString(join(workspace, "provision_image.sh"), provisioning, { mode: 0o755 })
        yield* fs.writeFileString(join(homeDir, "onstart.sh"), where.onstart ?? onstart, { mode: 0o755 })
        yield* connect(where)
      }),
      connect
    }
  })
