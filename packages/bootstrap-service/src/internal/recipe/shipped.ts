/** The recipes that ship with the package. Each is written like one of a user's, so that it shows how. */
import { Result } from "effect"
import { text as cloudflared } from "./cloudflared.ts"
import { parseRecipe } from "./header.ts"
import * as Programs from "./programs.ts"

const comfyui = `#!/bin/sh
# recipe: comfyui
# version: 1
# summary: ComfyUI from its repository, in a virtual environment of its own
# optional-secret: HF_TOKEN for models that are not open to all
${Programs.githubMirror}
# optional-secret: PIP_INDEX_URL a mirror of https://pypi.org/simple
# port: 8188
# start: cd "$WORKSPACE/ComfyUI" && if [ -x .venv/bin/python ]; then exec .venv/bin/python main.py --listen 127.0.0.1 --port 8188; else exec python3 main.py --listen 127.0.0.1 --port 8188; fi
set -eu
${Programs.git}
cd "$WORKSPACE"
if [ ! -f ComfyUI/main.py ]; then
  rm -rf .ComfyUI.new
  git clone --depth 1 "\${GITHUB_MIRROR:-https://github.com}/comfyanonymous/ComfyUI" .ComfyUI.new
  mv .ComfyUI.new ComfyUI
fi
cd ComfyUI
if ! { [ -x .venv/bin/python ] && .venv/bin/python -c 'import torch, aiohttp' 2>/dev/null; }; then
  if ! python3 -c 'import torch, aiohttp' 2>/dev/null; then
    python3 -m venv --system-site-packages .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
  fi
fi
echo "ComfyUI is in $WORKSPACE/ComfyUI"
`

const ollama = `#!/bin/sh
# recipe: ollama
# version: 1
# summary: Ollama for the user, with its models in the workspace
${Programs.githubMirror}
# port: 11434
# forward: 11434
# start: OLLAMA_HOST=127.0.0.1:11434 OLLAMA_MODELS="$WORKSPACE/ollama" exec ollama serve
set -eu
${Programs.own}
if ! command -v ollama >/dev/null 2>&1; then
  th_base=\${GITHUB_MIRROR:-https://github.com}/ollama/ollama/releases/latest/download
  th_fetch "$th_base/sha256sum.txt" "$th_tmp/sums"
  th_line=$(grep -E -m 1 -- "ollama-linux-$th_deb\\.(tgz|tar\\.zst)\\$" "$th_tmp/sums")
  th_file=\${th_line##*[ /]}
  th_fetch "$th_base/$th_file" "$th_tmp/$th_file"
  th_check "\${th_line%% *}  $th_file"
  mkdir -p "$th_tmp/ollama"
  case $th_file in
    *.tgz) tar -xzf "$th_tmp/$th_file" -C "$th_tmp/ollama" ;;
    *) tar --zstd -xf "$th_tmp/$th_file" -C "$th_tmp/ollama" ;;
  esac
  # The libraries are there before the program that needs them.
  mkdir -p "$th_own/lib"
  [ ! -d "$th_tmp/ollama/lib" ] || cp -R "$th_tmp/ollama/lib/." "$th_own/lib/"
  cp "$th_tmp/ollama/bin/ollama" "$th_own/bin/.ollama.new"
  mv -f "$th_own/bin/.ollama.new" "$th_own/bin/ollama"
fi
mkdir -p "$WORKSPACE/ollama"
ollama --version
`

const nodejs = `#!/bin/sh
# recipe: nodejs
# version: 1
# summary: Node.js of the long-term line, for the user
${Programs.nodeMirror}
set -eu
${Programs.own}
${Programs.node}
`

const claudeCode = `#!/bin/sh
# recipe: claude-code
# version: 1
# summary: Claude Code, with Node.js where it is missing
${Programs.nodeMirror}
${Programs.npmMirror}
set -eu
${Programs.own}
${Programs.node}
${Programs.npmProgram("@anthropic-ai/claude-code", "claude")}
`

const opencode = `#!/bin/sh
# recipe: opencode
# version: 1
# summary: OpenCode, with Node.js where it is missing
${Programs.nodeMirror}
${Programs.npmMirror}
set -eu
${Programs.own}
${Programs.node}
${Programs.npmProgram("opencode-ai", "opencode")}
`

/** The token is asked for by git itself, so that it is on no command line and in no configuration. */
const clone = `#!/bin/sh
# recipe: clone
# version: 1
# summary: A git repository in the workspace; one that is there is brought up to date
# argument: REPO its address
# optional-argument: FOLDER its folder in the workspace
# optional-secret: GITHUB_TOKEN for a private repository
set -eu
${Programs.git}
cd "$WORKSPACE"
th_name=\${1%/}
th_name=\${th_name##*/}
th_name=\${th_name##*:}
th_name=\${2:-\${th_name%.git}}
case $th_name in '' | .* | -* | */../* | /*) echo "no folder: $th_name" >&2; exit 1 ;; esac
case $1 in -*) echo "no address: $1" >&2; exit 1 ;; esac
GIT_TERMINAL_PROMPT=0
export GIT_TERMINAL_PROMPT
if [ -n "\${GITHUB_TOKEN:-}" ]; then
  th_ask=$(mktemp)
  trap 'rm -f "$th_ask"' EXIT
  printf '%s\\n' '#!/bin/sh' 'case $1 in Username*) echo x-access-token ;; *) printf "%s\\n" "$GITHUB_TOKEN" ;; esac' >"$th_ask"
  chmod 700 "$th_ask"
  GIT_ASKPASS=$th_ask
  export GIT_ASKPASS
fi
if [ -d "$th_name/.git" ]; then
  git -C "$th_name" pull --ff-only
else
  th_new=.$(printf %s "$th_name" | tr / -).new
  rm -rf "$th_new"
  git clone -- "$1" "$th_new"
  case $th_name in */*) mkdir -p "\${th_name%/*}" ;; esac
  mv "$th_new" "$th_name"
fi
git -C "$th_name" log -1 --format='%h %s'
`

const sources: ReadonlyArray<string> = [claudeCode, clone, cloudflared, comfyui, nodejs, ollama, opencode]

export const shipped = sources.map((text) => Result.getOrThrow(parseRecipe(text, "shipped")))
