/**
 * The file beside a workspace that says whose it is and how far it has come. Sourced by the scripts that need it; `$b` is
 * the folder of workspaces and `$id` the session.
 *
 * Its lines: `session ID`; then `repository URL`, `ref NAME`, `commit ID` once the repository is there.
 */
export const marker = `
LC_ALL=C
export LC_ALL
umask 022
is_ours() { [ -f "$b/.$id.session" ] && [ ! -L "$b/.$id.session" ] && [ -O "$b/.$id.session" ] && {
  IFS= read -r l <"$b/.$id.session" && [ "$l" = "session $id" ]
}; }
`

/**
 * Arguments: id, folders for workspaces, best first; in `+` the home folder or a common temporary folder is meant. Prints
 * `base` and `path`, or `taken PATH`, or `refused FOLDER WHY` for each folder and nothing else.
 */
export const workspace = `
${marker}
id=$1
shift
no() { printf 'refused %s %s\\n' "$b" "$(set -f; echo $e)"; }
found() {
  printf '%s\\n' "base $b" "path $b/$id" end
  exit 0
}
taken() {
  printf '%s\\n' "taken $b/$id" end
  exit 0
}
# What an earlier try began goes on where it is.
for b; do
  if is_ours; then
    [ ! -L "$b/$id" ] || taken
    e=$(mkdir -p "$b/$id" 2>&1) && [ -O "$b/$id" ] && found
  fi
done
for b; do
  case $b in
    # Anybody may make a folder there: it must be this account's own.
    /tmp/* | /var/tmp/*) e=$(mkdir -p -m 700 "$b" 2>&1) && e="not this account's" && [ ! -L "$b" ] && [ -O "$b" ] || { no; continue; } ;;
    *) e=$(mkdir -p "$b" 2>&1) || { no; continue; } ;;
  esac
  if [ -e "$b/$id" ] || [ -L "$b/$id" ]; then
    # An empty one of this account's is nobody's work.
    [ ! -L "$b/$id" ] && [ -O "$b/$id" ] && rmdir "$b/$id" 2>/dev/null || taken
  fi
  if [ -e "$b/.$id.session" ] || [ -L "$b/.$id.session" ]; then
    # One that was never written to its end.
    [ -f "$b/.$id.session" ] && [ ! -s "$b/.$id.session" ] && [ -O "$b/.$id.session" ] || taken
  fi
  e=$(printf 'session %s\\n' "$id" 2>&1 >"$b/.$id.session") || { no; rm -f "$b/.$id.session"; continue; }
  e=$(mkdir "$b/$id" 2>&1) || { no; rm -f "$b/.$id.session"; continue; }
  found
done
echo end
`
