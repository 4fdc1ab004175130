/** What a machine has of tunnels: the program, processes that lead to a port, and what they say of themselves. */
import { prelude } from "./ask.ts"

/** Prints what a URL of the machine's own answers. */
const fetch = `th_get() {
  if th_has curl; then curl -fsS -m 3 "$1" 2>/dev/null </dev/null
  elif th_has wget; then wget -q -T 3 -O - "$1" 2>/dev/null </dev/null
  elif th_has python3; then python3 -c 'import sys,urllib.request as u;print(u.urlopen(sys.argv[1],timeout=3).read().decode())' "$1" 2>/dev/null </dev/null
  fi | head -c 65536 | tr '\\n\\t' '  '
}`

/** Arguments: port, workspace. */
export const survey = `${prelude}
${fetch}
th_port=$1 th_work=$2
PATH=$HOME/.local/bin:\${PATH:-/usr/bin:/bin}:/usr/local/bin:/opt/instance-tools/bin
th_program=$(command -v cloudflared 2>/dev/null) && th_say program "$th_program"
for th_f in "$th_work/tunnel_url.txt" "$HOME/tunnel_url.txt"; do
  [ -f "$th_f" ] && th_say file "$(head -c 512 "$th_f" | head -n 1)"
done
# One process for all of them: a machine may have thousands.
for th_p in $(grep -ls cloudflared /proc/[0-9]*/cmdline 2>/dev/null </dev/null); do
  th_p=\${th_p%/cmdline}
  th_l=$({ tr '\\0' ' ' <"$th_p/cmdline"; } 2>/dev/null) || continue
  case $th_l in *th_say*) continue ;; esac
  case " $th_l " in *":$th_port "* | *":$th_port/ "*) ;; *) continue ;; esac
  th_say process "\${th_p#/proc/}"
  set -- $th_l
  while [ $# -gt 0 ]; do
    case $1 in
      --metrics) th_say metrics "$(th_get "http://\${2:-}/quicktunnel")" ;;
      --metrics=*) th_say metrics "$(th_get "http://\${1#--metrics=}/quicktunnel")" ;;
    esac
    shift
  done
done
[ -d /etc/portal.d ] || [ -e /etc/portal.yaml ] && th_say portal "$(th_get http://127.0.0.1:11112/get-all-quick-tunnels)"
th_say end`

/**
 * Whether something answers on a port of the machine's own. Arguments: port, path. A server without HTTP counts as
 * listening, and so does one on a machine that has no program to ask with.
 */
export const health = `${prelude}
th_url=http://127.0.0.1:$1$2
th_code=
if th_has curl; then
  th_code=$(curl -s -o /dev/null -m 5 -w '%{http_code}' "$th_url" 2>/dev/null </dev/null)
elif th_has python3; then
  th_code=$(python3 - "$th_url" 2>/dev/null <<'TH_EOF'
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).status)
except urllib.error.HTTPError as e:
    print(e.code)
except Exception:
    print("000")
TH_EOF
)
fi
th_say http "\${th_code:-none}"
th_hex=$(printf '%04X' "$1")
if [ -z "$th_code" ] && cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r th_i th_l th_r th_s th_i; do
  case $th_s in 0A) case $th_l in *:"$th_hex") echo yes ;; esac ;; esac
done | grep -q yes; then th_say listening yes; fi
th_say end`
