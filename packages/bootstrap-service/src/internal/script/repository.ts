import { marker } from "./workspace.ts"

const checkedOut = `
tell() {
  h=$(git -C "$1" rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null) || return 1
  echo "head $h"
  ! h=$(git -C "$1" symbolic-ref -q --short HEAD 2>/dev/null) || echo "branch $h"
}
`

/**
 * Arguments: workspace, id. Prints `state` (`new`, `ready`, `damaged`, `taken`) and, of one that is ready, `url`, `ref`, `commit`, and
 * the `head` and `branch` that are checked out now.
 */
export const look = `
${marker}${checkedOut}
b=\${1%/*}
id=$2
if [ ! -d "$1" ] || [ -L "$1" ] || ! is_ours; then
  printf '%s\\n' 'state taken' end
  exit 0
fi
state=new
while read -r k v; do
  case $k in
    repository) echo "url $v" ;;
    ref) echo "ref $v" ;;
    commit) state=ready; echo "commit $v" ;;
  esac
done <"$b/.$id.session"
if [ $state = ready ]; then tell "$1" || state=damaged; fi
printf '%s\\n' "state $state" end
`

/** The exit codes of {@link clone} that are not git's own. */
export const code = {
  gitMissing: 91,
  taken: 92,
  branchUnknown: 93,
  empty: 94,
  space: 95,
  sshMissing: 96,
  keyUnusable: 97
} as const

/**
 * Arguments: {@link clone} and what it takes. It runs that under an ssh-agent, which ends with it even where it is killed:
 * the key is in no file.
 */
export const withAgent = `
command -v ssh-agent >/dev/null 2>&1 && command -v ssh-add >/dev/null 2>&1 || exit ${code.sshMissing}
t=$1
shift
exec ssh-agent sh -c "$t" sh "$@"
`

/**
 * Arguments: workspace, id, URL, branch, tag or commit (or nothing), `1` for the one commit alone, `1` where there is a
 * token, `1` where ssh is what leads there, `1` where there is a key for it, and lines of known_hosts (or nothing). User, token
 * and key are in the environment, as nobody but the user can read that. Git asks for the token by a helper that answers for
 * the URL's own server only, and ssh has the key from the agent alone. Nothing secret is written anywhere.
 *
 * It begins by emptying the workspace of what an earlier one left half done, and ends by marking it as ready. One that is
 * ready is left as it is. Prints `head` and `branch` as {@link look} does.
 */
export const clone = `
${marker}${checkedOut}
ws=$1 b=\${1%/*} id=$2 url=$3 ref=$4 shallow=$5 token=$6 ssh=$7 key=$8 known=$9
export GIT_TERMINAL_PROMPT=0
[ "$key" != 1 ] || trap 'kill "$SSH_AGENT_PID"' EXIT
cd "$b" && [ -d "$ws" ] && [ ! -L "$ws" ] && is_ours || exit ${code.taken}
# Git tells people things on both streams.
exec 3>&1 >&2
if grep -q '^commit ' "$b/.$id.session"; then
  tell "$ws" >&3 && exit 0
  exit ${code.taken}
fi
command -v git >/dev/null 2>&1 || exit ${code.gitMissing}
find "$ws" -mindepth 1 -maxdepth 1 -exec rm -rf {} + || exit ${code.taken}

if [ "$ssh" = 1 ]; then
  if [ "$key" = 1 ]; then
    e=$(printf '%s\\n' "$TOEHOLD_GIT_KEY" | SSH_ASKPASS_REQUIRE=never ssh-add -q - 2>&1) || {
      echo "$e"
      exit ${code.keyUnusable}
    }
    unset TOEHOLD_GIT_KEY
  fi
  # A machine that has its own way of using ssh keeps it, where nothing is said.
  if [ "$key$known" != 0 ] || { [ -z "$GIT_SSH_COMMAND$GIT_SSH" ] && ! git config core.sshCommand >/dev/null 2>&1; }; then
    command -v ssh >/dev/null 2>&1 || exit ${code.sshMissing}
    GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=30 -o ForwardAgent=no'
    if [ -n "$known" ]; then
      TOEHOLD_KNOWN_HOSTS=$b/.$id.known_hosts
      export TOEHOLD_KNOWN_HOSTS
      rm -f "$TOEHOLD_KNOWN_HOSTS"
      printf '%s\\n' "$known" >"$TOEHOLD_KNOWN_HOSTS" || exit ${code.space}
      GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none -o UpdateHostKeys=no"' -o "UserKnownHostsFile=\\"$TOEHOLD_KNOWN_HOSTS\\""'
    fi
    export GIT_SSH_COMMAND
  fi
fi
if [ "$token" = 1 ]; then
  o=\${url#*://}
  o=\${url%%://*}://\${o%%/*}
  run() {
    git -c advice.detachedHead=false -c credential.helper= -c "credential.$o.helper=!f() { test \\"\\$1\\" = get && printf '%s\\\\n' \\"username=\\$TOEHOLD_GIT_USER\\" \\"password=\\$TOEHOLD_GIT_TOKEN\\"; }; f" "$@"
  }
  unset GIT_ASKPASS SSH_ASKPASS
else
  run() { git -c advice.detachedHead=false "$@"; }
fi
set --
[ "$shallow" != 1 ] || set -- --depth 1
here() { run -C "$ws" "$@"; }

might_be_commit() {
  case $ref in *[!0-9a-f]*) return 1 ;; esac
  [ \${#ref} -ge 7 ] && [ \${#ref} -le 64 ]
}
# Any name that is there by now: a branch, which gets a local one, a tag, a commit.
check_out() {
  if here show-ref -q --verify "refs/remotes/origin/$ref"; then
    here checkout --progress -B "$ref" --track "origin/$ref"
  elif c=$(here rev-parse -q --verify "$ref^{commit}" 2>/dev/null); then
    here checkout --progress --detach "$c"
  else
    return ${code.branchUnknown}
  fi
}
if [ -z "$ref" ]; then
  run clone --progress "$@" -- "$url" "$ws" || exit $?
elif ! might_be_commit; then
  run clone --progress "$@" --branch "$ref" -- "$url" "$ws" || exit $?
else
  run clone --progress --no-checkout "$@" -- "$url" "$ws" || exit $?
  check_out
  r=$?
  if [ $r = ${code.branchUnknown} ]; then
    # Not in what was fetched: a branch or tag besides a shallow head, or a commit that no branch leads to.
    if { here fetch --progress "$@" origin "refs/heads/$ref:refs/remotes/origin/$ref" 2>/dev/null &&
      here remote set-branches --add origin "$ref"; } ||
      here fetch --progress "$@" origin "refs/tags/$ref:refs/tags/$ref" 2>/dev/null ||
      { [ \${#ref} -ge 40 ] && here fetch --progress "$@" origin "$ref" 2>/dev/null; } ||
      { [ "$shallow" = 1 ] && here fetch --progress --unshallow origin '+refs/heads/*:refs/remotes/origin/*'; }; then
      check_out
      r=$?
    fi
  fi
  [ $r = 0 ] || exit $r
fi
c=$(here rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null) || exit ${code.empty}
printf '%s\\n' "session $id" "repository $url" "ref $ref" "commit $c" >"$b/.$id.session.new" &&
  mv -f "$b/.$id.session.new" "$b/.$id.session" || exit ${code.space}
[ -z "$known" ] || rm -f "$TOEHOLD_KNOWN_HOSTS"
tell "$ws" >&3
`
