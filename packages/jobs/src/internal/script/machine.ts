/**
 * What every script begins with: where jobs live, and who a process is. Every variable begins with `th_`, as the shell
 * of a login may export any other name, and the job would inherit what a script puts there.
 *
 * A process is its number, the time that it started and the boot that it belongs to: numbers are given out again, and no
 * clock takes part, so that one that is set a day off misleads nobody.
 */
import { shellText } from "./shellText.ts"

export const machine = shellText`
  th_root=\${HOME:-}/.local/state/toehold/jobs
  th_fail() { printf 'X %s %s\n' "$1" "$2"; exit 0; }
  case \${HOME:-} in /*) ;; *) th_fail unsupported 'HOME is not set' ;; esac
  th_nap() { sleep 0.02 2>/dev/null || sleep 1; }
  th_now() {
    th_i=$(date +%s 2>/dev/null)
    case $th_i in '' | *[!0-9]*) echo - ;; *) echo "$th_i" ;; esac
  }

  # Out of sight first, so that nobody meets half of it.
  th_remove() { mv "$1" "$th_root/.gone.$$" 2>/dev/null && rm -rf "$th_root/.gone.$$"; }

  th_boot() {
    th_b=
    { IFS= read -r th_b; } 2>/dev/null </proc/sys/kernel/random/boot_id ||
      th_b=$(sysctl -n kern.bootsessionuuid 2>/dev/null || sysctl -n kern.boottime 2>/dev/null | tr -cd '0-9=,')
    th_b=\${th_b:--}
  }

  # Where a job is, as th_d. There is a moment between the claim of an id and the job's coming to stand there.
  th_find() {
    th_d=$th_root/$1/d
    th_k=0
    while [ ! -d "$th_d" ] && [ -d "$th_root/$1" ] && [ $th_k -lt 25 ]; do th_nap; th_k=$((th_k + 1)); done
    [ -d "$th_root/$1" ]
  }

  # When a process started, as th_t; false where there is none. A zombie is none.
  th_since() {
    th_t=
    if [ -r /proc/self/stat ]; then
      th_l=
      { while IFS= read -r th_i || [ -n "$th_i" ]; do th_l="$th_l $th_i"; done; } 2>/dev/null <"/proc/$1/stat" ||
        return 1
      # A program may be called anything, so what counts begins after the last bracket.
      set -- \${th_l##*) }
      case \${1-} in '' | Z | X | x) return 1 ;; esac
      shift 19 2>/dev/null || return 1
      th_t=$1
    else
      set -- $(LC_ALL=C TZ=UTC0 ps -o stat= -o lstart= -p "$1" 2>/dev/null)
      case \${1-} in '' | Z*) return 1 ;; esac
      shift
      th_t=$(IFS=_; echo "$*")
    fi
  }

  # Whether the process that a file describes lives.
  th_alive() {
    th_q=
    { read -r th_q th_qt th_qb th_i; } 2>/dev/null <"$1" || return 1
    case $th_q in '' | *[!0-9]*) return 1 ;; esac
    [ "$th_qb" = "$th_b" ] && th_since "$th_q" && [ "$th_t" = "$th_qt" ]
  }

  # Size of a file, as th_z. (wc reads the whole of it in some systems.)
  th_size() {
    th_z=
    set -- $(LC_ALL=C ls -ln "$1" 2>/dev/null)
    case \${5-} in '' | *[!0-9]*) return 1 ;; esac
    th_z=$5
  }

  # The offset that a piece of output is called by, as th_s.
  th_start() {
    th_s=\${1##*/}
    th_s=\${th_s#"\${th_s%%[!0]*}"}
    th_s=\${th_s:-0}
  }

  # Where the output in a folder ends, as th_e.
  th_end() {
    th_e=0
    for th_j in 1 2 3; do
      th_f=
      for th_g in "$1"/*; do th_f=$th_g; done
      [ -e "$th_f" ] || continue
      th_size "$th_f" || continue
      th_start "$th_f"
      th_e=$((th_s + th_z))
      return
    done
  }
`

/** One line about a job, as `readStatus` reads it: id, state, code, end, flags, start, pid, two sizes, description. */
export const status = shellText`
  th_status() {
    th_find "$1" || return 1
    th_boot
    th_meta=- th_pid=- th_from=- th_st= th_code=- th_to=- th_flag=-
    { read -r th_meta; } 2>/dev/null <"$th_d/meta"
    { read -r th_pid th_i th_i th_from th_i; } 2>/dev/null <"$th_d/proc"
    th_record
    if [ -z "$th_st" ]; then
      if th_alive "$th_d/sup" || th_alive "$th_d/proc"; then
        th_st=running
      else
        th_record
        [ -n "$th_st" ] || th_lost
      fi
    fi
    th_end "$th_d/out"
    th_eo=$th_e
    th_end "$th_d/err"
    printf 'J %s %s %s %s %s %s %s %s %s %s\n' "$1" "$th_st" "\${th_code:--}" "\${th_to:--}" "\${th_flag:--}" \
      "\${th_from:--}" "\${th_pid:--}" "$th_eo" "$th_e" "\${th_meta:--}"
  }
  th_record() {
    th_st=
    { read -r th_st th_code th_to th_flag th_i; } 2>/dev/null <"$th_d/rc"
  }
  th_lost() {
    th_st=lost th_code=outside
    { read -r th_i th_i th_qb th_i; } 2>/dev/null <"$th_d/sup"
    [ "\${th_qb:-$th_b}" = "$th_b" ] || th_code=reboot
  }
`
