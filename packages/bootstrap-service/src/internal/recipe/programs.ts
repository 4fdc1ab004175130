/** Pieces of shell text that recipes share. */

/** Where a user's own programs go, on PATH of every later step. */
export const own = `th_own=$HOME/.local
mkdir -p "$th_own/bin"
th_tmp=$(mktemp -d)
trap 'rm -rf "$th_tmp"' EXIT
th_fetch() {
  echo "getting $1"
  if command -v curl >/dev/null 2>&1; then curl -fsSL --retry 3 --connect-timeout 30 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then wget -nv -t 3 -T 60 -O "$2" "$1"
  else echo 'neither curl nor wget is there' >&2; return 1; fi
}
th_check() { (cd "$th_tmp" && printf '%s\\n' "$1" | sha256sum -c -); }
case $(uname -m) in
  x86_64 | amd64) th_deb=amd64 th_node=x64 ;;
  aarch64 | arm64) th_deb=arm64 th_node=arm64 ;;
  *) echo "no builds for $(uname -m)" >&2; exit 1 ;;
esac`

/** Node of the long-term line, its checksum compared, unless one that is new enough is there. */
export const node = `th_node_ok() { command -v node >/dev/null 2>&1 && [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ]; }
if ! th_node_ok; then
  th_base=\${NODEJS_ORG_MIRROR:-https://nodejs.org/dist}/latest-v24.x
  th_fetch "$th_base/SHASUMS256.txt" "$th_tmp/sums"
  th_line=$(grep -- "-linux-$th_node.tar.gz\\$" "$th_tmp/sums")
  th_file=\${th_line##* }
  th_fetch "$th_base/$th_file" "$th_tmp/$th_file"
  th_check "$th_line"
  rm -rf "$th_own/lib/toehold-node.new"
  mkdir -p "$th_own/lib/toehold-node.new"
  tar -xzf "$th_tmp/$th_file" --strip-components 1 -C "$th_own/lib/toehold-node.new"
  rm -rf "$th_own/lib/toehold-node"
  mv "$th_own/lib/toehold-node.new" "$th_own/lib/toehold-node"
  for th_p in node npm npx; do ln -sf "../lib/toehold-node/bin/$th_p" "$th_own/bin/$th_p"; done
  hash -r
  th_node_ok || { echo 'the Node.js that came does not run here' >&2; exit 1; }
fi
node --version`

/** A package of npm's for the user, with the program that it brings. npm compares the checksums. */
export const npmProgram = (pkg: string, program: string): string => `command -v ${program} >/dev/null 2>&1 ||
  npm install --global --no-fund --no-audit --prefix "$th_own" ${pkg}
${program} --version`

/** What npm itself reads. */
export const npmMirror = "# optional-secret: npm_config_registry a mirror of registry.npmjs.org"
export const nodeMirror = "# optional-secret: NODEJS_ORG_MIRROR a mirror of https://nodejs.org/dist"
export const githubMirror = "# optional-secret: GITHUB_MIRROR a mirror of https://github.com"

/** git, by the machine's package manager where it is missing and may be installed. */
export const git = `if ! command -v git >/dev/null 2>&1; then
  if command -v apt-get >/dev/null 2>&1; then apt-get update -qq && apt-get install -y -qq --no-install-recommends git ca-certificates
  elif command -v apk >/dev/null 2>&1; then apk add --no-cache git
  elif command -v dnf >/dev/null 2>&1; then dnf install -y -q git
  else echo 'git is not there' >&2; exit 1; fi
fi`
