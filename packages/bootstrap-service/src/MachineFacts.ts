/**
 * What a machine has: folders, disk, GPUs, programs, and who keeps its services.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { askLines, one, prelude, type Said } from "./internal/provision/ask.ts"
import * as ProvisionError from "./ProvisionError.ts"

/**
 * A GPU, in the words of `nvidia-smi`: memory with its unit.
 *
 * @since 0.1.0
 * @category models
 */
export interface Gpu {
  readonly name: string
  readonly memory: string
  readonly driver: string
}

/**
 * Who keeps services running: systemd of the system or of the user, a supervisor, or nobody, and they run as jobs.
 *
 * @since 0.1.0
 * @category models
 */
export type Manager = "systemd" | "systemd-user" | "supervisor" | "jobs"

/**
 * What was found. Sizes are bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface MachineFacts {
  readonly home: string
  readonly user: string
  /** The folder to work in: it exists and can be written to. */
  readonly workspace: string
  /** The machine's PATH with the folders that images put programs into. */
  readonly path: string
  readonly diskFree: number | undefined
  readonly memory: number | undefined
  readonly gpus: ReadonlyArray<Gpu>
  readonly manager: Manager
  /** Whether `~/.no_auto_tmux` was there already. */
  readonly wasPrepared: boolean
  /** The id of the rented container, where it is one. */
  readonly container: string | undefined
}

/** The folders to work in, best first. */
const defaultWorkspaces: ReadonlyArray<string> = ["/workspace", "~/workspace"]

/** One process: on a slow way each costs a round trip, and here nothing depends on what came before. */
const script = `${prelude}
case \${HOME:-} in /*) ;; *) th_say error 'HOME is not set'; th_say end; exit 0 ;; esac
th_say home "$HOME"
th_say user "$(id -un 2>/dev/null || echo "\${LOGNAME:-}")"
if [ -e "$HOME/.no_auto_tmux" ]; then th_say tmux present; else { : >"$HOME/.no_auto_tmux"; } 2>/dev/null && th_say tmux made; fi
th_w=
for th_d in "$@"; do
  case $th_d in '~/'*) th_d=$HOME/\${th_d#??}; th_e=$(mkdir -p "$th_d" 2>&1) ;; esac
  if [ -d "$th_d" ] && { : >"$th_d/.toehold.$$"; } 2>/dev/null; then rm -f "$th_d/.toehold.$$"; th_w=$th_d; break; fi
done
[ -n "$th_w" ] || { th_say workspace-error "\${th_e:-none of $* is there}"; th_say end; exit 0; }
th_say workspace "$th_w"
th_p=$HOME/.local/bin
[ -d /venv/main/bin ] && th_p=$th_p:/venv/main/bin
th_p=$th_p:\${PATH:-/usr/local/bin:/usr/bin:/bin}
for th_d in /opt/conda/bin /usr/local/cuda/bin /opt/instance-tools/bin /usr/local/sbin /usr/sbin /sbin; do
  case :$th_p: in *:"$th_d":*) ;; *) [ -d "$th_d" ] && th_p=$th_p:$th_d ;; esac
done
PATH=$th_p
th_say path "$PATH"
set -- $(df -Pk "$th_w" 2>/dev/null | tail -n 1)
while [ $# -gt 6 ]; do shift; done
th_say disk "\${4:-}"
while read -r th_k th_v th_d; do case $th_k in MemTotal:) th_say memory "$th_v" ;; esac; done 2>/dev/null </proc/meminfo
th_in=
th_has timeout && th_in='timeout 10'
if th_has nvidia-smi; then
  $th_in nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null </dev/null |
    head -n 64 | while IFS= read -r th_l; do th_say gpu "$th_l"; done
fi
th_m=jobs
if [ -d /run/systemd/system ] && th_has systemctl; then
  if [ "$(id -u)" = 0 ]; then th_c=; else th_c=--user; fi
  case $($th_in systemctl $th_c is-system-running 2>/dev/null </dev/null) in
    running | degraded | starting) th_m=systemd\${th_c:+-user} ;;
  esac
fi
# Its control program takes its time to start: it is asked only where there is something to ask.
if [ $th_m = jobs ] && [ -d /etc/supervisor/conf.d ] && [ -w /etc/supervisor/conf.d ] && th_has supervisorctl &&
  grep -qs "[s]upervisord" /proc/[0-9]*/cmdline </dev/null; then
  case $($th_in supervisorctl pid 2>/dev/null </dev/null) in '' | 0 | *[!0-9]*) ;; *) th_m=supervisor ;; esac
fi
th_say manager $th_m
th_c=\${CONTAINER_ID:-}
[ -n "$th_c" ] || th_c=$({ tr '\\0' '\\n' </proc/1/environ | sed -n 's/^CONTAINER_ID=//p' | head -n 1; } 2>/dev/null)
th_say container "$th_c"
th_say end`

const number = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) * 1024 : undefined

const gpuOf = (line: string): Gpu => {
  const [name = "", memory = "", driver = ""] = line.slice(0, 300).split(",")
  return { name: name.trim(), memory: memory.trim(), driver: driver.trim() }
}

const managers: ReadonlyArray<Manager> = ["systemd", "systemd-user", "supervisor", "jobs"]

const factsOf = (said: Said): MachineFacts => {
  const container = one(said, "container") ?? ""
  return {
    home: one(said, "home") ?? "",
    user: one(said, "user") ?? "",
    workspace: one(said, "workspace") ?? "",
    path: one(said, "path") ?? "",
    diskFree: number(one(said, "disk")),
    memory: number(one(said, "memory")),
    gpus: (said.get("gpu") ?? []).map(gpuOf),
    manager: managers.find((manager) => manager === one(said, "manager")) ?? "jobs",
    wasPrepared: one(said, "tmux") === "present",
    container: /^\d{1,15}$/.test(container) ? container : undefined
  }
}

/**
 * Looks at the machine and prepares its shell: `~/.no_auto_tmux` keeps the login scripts of rented images from attaching a
 * terminal, and the workspace is made where there is none. Fails with `NoWorkspace` or `MachineFailed`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const gather = Effect.fn("MachineFacts.gather")(function* (
  options: { readonly workspaces?: ReadonlyArray<string> | undefined } = {}
): Effect.fn.Return<MachineFacts, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> {
  const said = yield* askLines({
    step: "shell",
    script,
    args: options.workspaces ?? defaultWorkspaces,
    changes: true
  })
  const error = one(said, "error")
  if (error !== undefined) {
    return yield* ProvisionError.make(
      new ProvisionError.MachineFailed({ step: "shell", detail: error, outcome: "did-not-run" })
    )
  }
  const detail = one(said, "workspace-error")
  if (detail !== undefined) return yield* ProvisionError.make(new ProvisionError.NoWorkspace({ detail }))
  return factsOf(said)
})
