import { machine, status } from "./machine.ts"
import { shellText } from "./shellText.ts"

/**
 * Arguments: id, a number of this attempt's own, description, bytes of input (`-` for none), bytes of a piece of output,
 * bytes that are kept, time limit in seconds, and the files `run` and `main`. Standard input is one line of shell text
 * that sets the environment, the folder and the words of the command, and then the job's input.
 *
 * All is made ready in a folder of the attempt's own, whose name says which process makes it, and handed to a process
 * in a session of its own. That one claims the id.
 */
export const start = shellText`
  ${machine}
  ${status}
  th_id=$1 th_meta0=$3 th_in=$4 th_piece=$5 th_keep=$6 th_limit=$7
  th_n=\${IFS#??} th_a=
  # Leaves nothing behind: who reads the answer may well end this at once.
  th_fail() {
    [ -z "$th_a" ] || rm -rf "$th_a"
    printf 'X %s %s\n' "$1" "$2"
    exit 0
  }
  th_words() { set -f; echo $1; set +f; }
  IFS= read -r th_spec || exit 3
  th_umask=$(umask)
  umask 077
  th_i=$(LC_ALL=C mkdir -p "$th_root" 2>&1) || th_fail file "$(th_words "$th_i")"

  # Waits for the job's process, whoever starts it, and tells of the job.
  th_began() {
    th_k=0
    until [ -e "$th_root/$th_id/d/proc" ]; do
      [ -n "$th_a" ] && [ -d "$th_a" ] || [ -d "$th_root/$th_id" ] || th_fail begin
      # One that was lost before it began will not begin.
      [ -n "$th_a" ] || [ $th_k -lt 50 ] || th_alive "$th_root/$th_id/d/sup" || break
      [ $th_k -lt 1000 ] || { echo 'the job does not come to life' >&2; exit 4; }
      sleep 0.02 2>/dev/null && th_k=$((th_k + 1)) || { sleep 1; th_k=$((th_k + 50)); }
    done
    th_status "$th_id" && echo Z
    exit 0
  }
  th_boot
  if [ -d "$th_root/$th_id" ]; then
    cat >/dev/null
    th_began
  fi

  # What a cut attempt left behind.
  for th_g in "$th_root"/.*.*.*.*; do
    [ -d "$th_g" ] || continue
    th_q=\${th_g%.*}
    th_since "\${th_q##*.}" && [ "$th_t" = "\${th_g##*.}" ] || th_remove "$th_g"
  done

  (
    eval "$th_spec" >/dev/null 2>&1
    command -v "$1" >/dev/null 2>&1 || exit 127
  ) </dev/null
  case $? in
    0) ;;
    126) cat >/dev/null; th_fail folder ;;
    127) cat >/dev/null; th_fail command ;;
    *) cat >/dev/null; th_fail environment ;;
  esac

  th_since $$
  th_a=$th_root/.$th_id.$2.$$.$th_t
  trap 'rm -rf "$th_a"' EXIT
  trap 'exit 1' HUP INT TERM
  # A shell's own word on a failure doesn't always say why.
  th_file() { printf '%s\n' "$2" >"$th_a/$1" || printf '%s\n' "$2" | cat >"$th_a/$1"; }
  th_i=$(
    LC_ALL=C
    export LC_ALL
    exec 2>&1
    mkdir "$th_a" "$th_a/out" "$th_a/err" && mkfifo "$th_a/out.p" "$th_a/err.p" && th_file run "$8" &&
      th_file main "$9" && th_file spec "$th_spec" && th_file meta "$th_meta0" && th_file msg - && th_file timer - &&
      th_file rc.new "$(printf %0200d 0)" && th_file proc.new "$(printf %0200d 0)" || exit 1
    [ "$th_in" = - ] || cat >"$th_a/in"
  ) || th_fail file "$(th_words "$th_i")"
  if [ "$th_in" != - ]; then
    th_size "$th_a/in"
    # The connection ended before the input did.
    [ "$th_z" = "$th_in" ] || exit 3
  fi

  # With KillUserProcesses=yes a session of one's own is not enough: logind ends what its cgroup holds.
  th_pre=
  if [ "$(id -u)" != 0 ] && command -v loginctl >/dev/null 2>&1; then
    case $(loginctl show-session -p KillUserProcesses 2>/dev/null) in
      *=yes)
        loginctl enable-linger 2>/dev/null
        XDG_RUNTIME_DIR=\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
        export XDG_RUNTIME_DIR
        case $(loginctl show-user "$(id -un)" -p Linger 2>/dev/null) in
          *=yes) th_pre='systemd-run --user --scope --collect --quiet --' ;;
          *) th_pre=false ;;
        esac
        $th_pre true 2>/dev/null || th_fail unsupported 'its logind ends what a user leaves behind (KillUserProcesses=yes), and lingering is not allowed'
        ;;
    esac
  fi

  # What begins a session without "&" comes first: a command in the background ignores SIGINT.
  if setsid -f true 2>/dev/null; then th_how=fork
  elif perl -MPOSIX -e 1 2>/dev/null; then th_how=perl
  elif command -v setsid >/dev/null 2>&1; then th_how=setsid
  elif busybox setsid true 2>/dev/null; then th_how=busybox
  elif (set -m; sh -c 'kill -0 -$$' & wait $!) 2>/dev/null; then th_how=monitor
  else th_fail unsupported 'it has neither setsid nor perl, and its shell no job control'
  fi
  set -- sh "$th_a/run" "$th_a" "$th_id" "$th_umask" "$th_piece" "$th_keep" "$th_limit" "$th_how"
  trap - EXIT HUP INT TERM
  {
    case $th_how in
      fork) $th_pre setsid -f "$@" ;;
      perl) $th_pre perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exec @ARGV' "$@" ;;
      setsid) $th_pre setsid "$@" & ;;
      busybox) $th_pre busybox setsid "$@" & ;;
      monitor)
        set -m
        (trap '' HUP; exec $th_pre "$@") &
        set +m
        ;;
    esac
  } </dev/null >/dev/null 2>&1
  th_began
`
