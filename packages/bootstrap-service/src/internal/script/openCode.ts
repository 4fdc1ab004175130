const systemd = `
LC_ALL=C
export LC_ALL
umask 077
id=$1
XDG_RUNTIME_DIR=\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
export XDG_RUNTIME_DIR
unit=opencode@$id.service
settings=\${XDG_CONFIG_HOME:-$HOME/.config}
has_unit() {
  command -v systemctl >/dev/null 2>&1 && [ -S "$XDG_RUNTIME_DIR/systemd/private" ] &&
    systemctl --user cat "$unit" >/dev/null 2>&1
}
`

/**
 * Arguments: id, workspace, port. Standard input is the environment as systemd reads it from a file. Prints `by systemd`
 * with `was active` where the unit runs already, else `by job` and the `program`; or `taken` where another program listens
 * on the port, which would answer in OpenCode's place; or `fail` and why.
 *
 * Folder and environment are the session's own, in a file beside the unit, so that any unit of that name will do.
 */
export const start = `
${systemd}
# Listening IPv4 sockets, and those of IPv6 that take its place.
is_taken() {
  p=$(printf ':%04X' "$1")
  for f in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$f" ] || continue
    while read -r n l r state rest; do
      [ "$state" = 0A ] || continue
      case $l in
        ????????"$p" | 00000000000000000000000000000000"$p" | 0000000000000000FFFF0000????????"$p") return 0 ;;
      esac
    done <"$f"
  done
  return 1
}
refuse_taken() {
  ! is_taken "$1" || {
    cat >/dev/null
    printf '%s\\n' taken end
    exit 0
  }
}
if has_unit; then
  echo 'by systemd'
  case $(systemctl --user is-active "$unit" 2>/dev/null) in
    active | activating | reloading)
      cat >/dev/null
      printf '%s\\n' 'was active' end
      exit 0
      ;;
  esac
  refuse_taken "$3"
  e=$(
    {
      mkdir -p "$settings/toehold" "$settings/systemd/user/$unit.d" &&
        cat >"$settings/toehold/$id.env" && chmod 600 "$settings/toehold/$id.env" &&
        printf '[Service]\\nWorkingDirectory=%s\\nEnvironmentFile=%s\\n' "$2" "$settings/toehold/$id.env" \\
          >"$settings/systemd/user/$unit.d/toehold.conf" &&
        systemctl --user daemon-reload
    } 2>&1
  ) || {
    printf '%s\\n' "fail $(set -f; echo $e)" end
    exit 0
  }
  # What failed too often before would not be started again.
  systemctl --user reset-failed "$unit" 2>/dev/null
  e=$(systemctl --user start "$unit" 2>&1) || printf '%s\\n' "fail $(set -f; echo $e)"
  echo end
  exit 0
fi
refuse_taken "$3"
cat >/dev/null
PATH=$PATH:$HOME/.opencode/bin:$HOME/.local/bin:$HOME/.bun/bin:/usr/local/bin
p=$(command -v opencode) && echo "program $p"
printf '%s\\n' 'by job' end
`

/** The job that OpenCode is where no unit is there. Arguments: workspace, program, port. */
export const serve = `
umask 022
cd "$1" || exit 126
PATH=$PATH:$HOME/.opencode/bin:$HOME/.local/bin:$HOME/.bun/bin:/usr/local/bin
export PATH
exec "$2" serve --hostname 0.0.0.0 --port "$3"
`

/** Arguments: id. Prints the unit's `state` and the last lines of its log, each a \`log\`. */
export const status = `
${systemd}
echo "state $(systemctl --user is-active "$unit" 2>/dev/null)"
f=\${XDG_STATE_HOME:-$HOME/.local/state}/opencode/$id.log
{
  if [ -s "$f" ]; then
    tail -n 20 "$f"
  else
    l=$(journalctl --user -u "$unit" -n 20 -o cat --no-pager -q 2>/dev/null)
    [ -n "$l" ] || l=$(sudo -n journalctl "_SYSTEMD_USER_UNIT=$unit" -n 20 -o cat --no-pager -q 2>/dev/null)
    [ -n "$l" ] || l=$(systemctl --user status "$unit" -n 20 --no-pager 2>/dev/null)
    printf '%s\\n' "$l"
  fi
} | cut -c 1-1000 | sed 's/^/log /'
echo end
`

/** Arguments: id. Stops the unit and removes its environment. */
export const stop = `
${systemd}
if has_unit; then
  e=$(systemctl --user stop "$unit" 2>&1) || printf '%s\\n' "fail $(set -f; echo $e)"
  rm -rf "$settings/systemd/user/$unit.d"
  systemctl --user daemon-reload >/dev/null 2>&1
fi
rm -f "$settings/toehold/$id.env"
echo end
`
