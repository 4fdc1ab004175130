/** What the provisioner of a rented image left: its log, its script, and whether it still runs. */
import { prelude } from "./ask.ts"

/**
 * Arguments: the workspace, then logs to look at, best first; `*` stands for the workspace. The first that is there counts.
 * Its script is the file of the same name that ends in .sh, or the one that runs at each start.
 */
export const provisioner = `${prelude}
th_work=$1
shift
th_log=
for th_l in "$@"; do
  case $th_l in '*/'*) th_l=$th_work/\${th_l#??} ;; '~/'*) th_l=$HOME/\${th_l#??} ;; esac
  if [ -f "$th_l" ]; then th_log=$th_l; break; fi
done
th_base=
if [ -n "$th_log" ]; then
  th_say log "$th_log"
  th_base=\${th_log##*/}
  th_base=\${th_base%.log}
  for th_s in "\${th_log%.log}.sh" "$th_work/$th_base.sh" "$HOME/$th_base.sh" "$th_work/provisioning.sh" "$th_work/provision.sh" /root/onstart.sh "$HOME/onstart.sh"; do
    if [ -f "$th_s" ]; then th_say script "$th_s"; break; fi
  done
fi
[ -e /.provisioning ] && th_say running marker
for th_p in $(grep -ls -e '/provisioning\\.sh' -e '/provision\\.sh' -e '/onstart\\.sh' -e "/\${th_base:-onstart}.sh" \\
  /proc/[0-9]*/cmdline 2>/dev/null </dev/null); do
  th_p=\${th_p%/cmdline}
  th_l=$({ tr '\\0' ' ' <"$th_p/cmdline"; } 2>/dev/null) || continue
  # This script, and its like of another client's, name them too.
  case $th_l in *th_say*) ;; *) th_say running "\${th_p#/proc/}" ;; esac
done
if [ -n "$th_log" ]; then
  tail -c 65536 "$th_log" 2>/dev/null | while IFS= read -r th_l || [ -n "$th_l" ]; do th_say line "$th_l"; done
fi
th_say end`
