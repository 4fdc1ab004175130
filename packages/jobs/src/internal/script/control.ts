/** The short ones: looking, ending and clearing away. */
import { machine, status } from "./machine.ts"
import { shellText } from "./shellText.ts"

/** Arguments: ids, none for all. */
export const list = shellText`
  ${machine}
  ${status}
  [ $# -gt 0 ] || for th_g in "$th_root"/*; do
    case \${th_g##*/} in *[!A-Za-z0-9._-]*) continue ;; esac
    [ -d "$th_g" ] && set -- "$@" "\${th_g##*/}"
  done
  for th_id in "$@"; do th_status "$th_id"; done
  echo Z
`

/**
 * Arguments: id, signal without `SIG`, milliseconds until SIGKILL (`-` for never). Waits a little for the job's end to
 * be on record.
 */
export const kill = shellText`
  ${machine}
  ${status}
  th_id=$1 th_sig=$2 th_grace=$3
  th_group() {
    kill -0 -$th_pg 2>/dev/null || return 1
    [ -r /proc/self/stat ] || return 0
    for th_g in /proc/[0-9]*; do
      th_l=
      { IFS= read -r th_l; } 2>/dev/null <"$th_g/stat" || continue
      set -- \${th_l##*) }
      [ "\${3-}" = $th_pg ] && [ "$1" != Z ] && [ "$1" != X ] && return 0
    done
    return 1
  }
  th_status "$th_id" >/dev/null || th_fail missing
  if [ $th_st = running ] && th_alive "$th_d/proc"; then
    th_pg=$th_q
    kill -$th_sig -$th_pg 2>/dev/null || ! th_alive "$th_d/proc" || th_fail kill
    th_k=0
    while [ $th_grace != - ] && [ $th_k -lt $th_grace ] && th_group; do
      sleep 0.05 2>/dev/null && th_k=$((th_k + 50)) || { sleep 1; th_k=$((th_k + 1000)); }
    done
    [ $th_grace != - ] && th_group && kill -KILL -$th_pg 2>/dev/null
  fi
  if [ $th_st = running ]; then
    th_k=0
    while [ ! -e "$th_d/rc" ] && [ $th_k -lt 50 ] && { [ $th_grace != - ] || [ $th_k -lt 10 ]; }; do
      th_alive "$th_d/sup" || break
      th_nap
      th_k=$((th_k + 1))
    done
  fi
  th_status "$th_id" && echo Z
`

/** Arguments: id. An attempt to start it that is still under way goes as well, or it would run after all. */
export const forget = shellText`
  ${machine}
  ${status}
  th_id=$1
  th_status "$th_id" >/dev/null || th_fail missing
  [ $th_st != running ] || th_fail running
  for th_g in "$th_root/.$th_id".*.*.*; do
    [ -d "$th_g" ] && [ "\${th_g%.*.*.*}" = "$th_root/.$th_id" ] && th_remove "$th_g"
  done
  th_i=$(LC_ALL=C mv "$th_root/$th_id" "$th_root/.gone.$$" 2>&1) || th_fail file "$th_i"
  rm -rf "$th_root/.gone.$$"
  echo Z
`

/** Arguments: seconds since the end. Prints what it removed. */
export const prune = shellText`
  ${machine}
  ${status}
  th_clock=$(th_now)
  for th_g in "$th_root"/.*.*.*.*; do
    [ -d "$th_g" ] || continue
    th_q=\${th_g%.*}
    th_since "\${th_q##*.}" && [ "$th_t" = "\${th_g##*.}" ] || th_remove "$th_g"
  done
  rm -rf "$th_root"/.gone.*
  for th_dir in "$th_root"/*; do
    [ -d "$th_dir" ] || continue
    th_id=\${th_dir##*/}
    case $th_id in *[!A-Za-z0-9._-]*) continue ;; esac
    th_line=$(th_status "$th_id") || continue
    set -- $1 $th_line
    [ "$4" != running ] || continue
    # Of a job that was lost only the beginning is known.
    th_to=$6
    [ "$th_to" != - ] || th_to=$8
    [ "$1" = 0 ] || { [ "$th_to" != - ] && [ $((th_clock - th_to)) -ge $1 ]; } || continue
    th_remove "$th_dir" && printf '%s\n' "$th_line"
  done
  echo Z
`
