/** What stops a rented instance from the inside, by the key that it has for itself. */

/**
 * The environment has TH_API (the API's origin), TH_HOURS and TH_IDLE (seconds, or `-`) and TH_EVERY (seconds between two
 * looks). Id and key are those of the container: a login does not have them, its first process does. The key goes to
 * curl by its standard input. What is left of the hours survives a restart of the guard.
 */
export const guard = `th_own() {
  eval "th_v=\\\${$1:-}"
  [ -n "$th_v" ] || th_v=$({ tr '\\0' '\\n' </proc/1/environ | sed -n "s/^$1=//p" | head -n 1; } 2>/dev/null)
  [ -n "$th_v" ] || th_v=$(sed -n "s/^\\(export \\)\\{0,1\\}$1=//p" /etc/environment 2>/dev/null | tail -n 1 | tr -d "\\"'")
  printf '%s' "$th_v"
}
th_stop() {
  th_id=$(th_own CONTAINER_ID)
  th_id=\${th_id#C.}
  th_url=$TH_API/api/v0/instances/$th_id/
  if command -v curl >/dev/null 2>&1; then
    th_code=$(printf 'header = "Authorization: Bearer %s"\\nheader = "Content-Type: application/json"\\ndata = "{\\\\"state\\\\": \\\\"stopped\\\\"}"\\n' "$(th_own CONTAINER_API_KEY)" |
      curl -sS -K - -X PUT -o /dev/null -w '%{http_code}' -m 30 "$th_url")
  else
    th_code=$(th_own CONTAINER_API_KEY | TH_URL=$th_url python3 -c 'import os, sys, urllib.request as u
r = u.Request(os.environ["TH_URL"], data=b"{\\"state\\": \\"stopped\\"}", method="PUT")
r.add_header("Authorization", "Bearer " + sys.stdin.read())
r.add_header("Content-Type", "application/json")
print(u.urlopen(r, timeout=30).status)')
  fi
  echo "asked Vast.ai to stop instance $th_id: \${th_code:-no answer}"
  case $th_code in 2*) return 0 ;; *) return 1 ;; esac
}
th_now() { date +%s; }
# A GPU at work, or without one a busy processor.
th_busy() {
  if command -v nvidia-smi >/dev/null 2>&1; then
    for th_u in $(nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits 2>/dev/null </dev/null); do
      case $th_u in *[!0-9]*) ;; *) [ "$th_u" -gt 5 ] && return 0 ;; esac
    done
    return 1
  fi
  read -r th_l th_i </proc/loadavg 2>/dev/null || return 0
  case $th_l in 0.[0-4]*) return 1 ;; *) return 0 ;; esac
}
th_dir=$HOME/.local/state/toehold/guard
umask 077
mkdir -p "$th_dir"
th_end=
if [ "$TH_HOURS" != - ]; then
  [ -f "$th_dir/end" ] && read -r th_for th_end <"$th_dir/end"
  if [ "\${th_for:-}" != "$TH_HOURS" ] || [ "\${th_end:-0}" -le "$(th_now)" ]; then
    th_end=$(($(th_now) + TH_HOURS))
    printf '%s %s\\n' "$TH_HOURS" "$th_end" >"$th_dir/end.new" && mv -f "$th_dir/end.new" "$th_dir/end"
  fi
  echo "stops the instance in $((th_end - $(th_now))) s"
fi
[ "$TH_IDLE" = - ] || echo "stops the instance when it was idle for $TH_IDLE s"
th_since=$(th_now)
while :; do
  th_due=
  if [ -n "$th_end" ] && [ "$(th_now)" -ge "$th_end" ]; then th_due=hours; fi
  if [ "$TH_IDLE" != - ]; then
    if th_busy; then th_since=$(th_now); fi
    [ $(($(th_now) - th_since)) -ge "$TH_IDLE" ] && th_due=idle
  fi
  if [ -n "$th_due" ]; then
    echo "due: $th_due"
    if th_stop; then rm -f "$th_dir/end"; exit 0; fi
  fi
  sleep "$TH_EVERY"
done`

/** Whether the instance can stop itself: names what is missing. */
export const guardCheck = `th_say() { printf '%s\\t%s\\n' "$1" "$2"; }
th_own() {
  eval "th_v=\\\${$1:-}"
  [ -n "$th_v" ] || th_v=$({ tr '\\0' '\\n' </proc/1/environ | sed -n "s/^$1=//p" | head -n 1; } 2>/dev/null)
  [ -n "$th_v" ] || th_v=$(sed -n "s/^\\(export \\)\\{0,1\\}$1=//p" /etc/environment 2>/dev/null | tail -n 1 | tr -d "\\"'")
  [ -n "$th_v" ] || th_say missing "$1"
}
th_own CONTAINER_ID
th_own CONTAINER_API_KEY
command -v curl >/dev/null 2>&1 || command -v python3 >/dev/null 2>&1 || th_say missing 'curl or python3'
th_say end`
