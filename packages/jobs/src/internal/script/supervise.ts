/**
 * The two files of a job that run without a client: `run`, which outlives the connection, and `main`, which becomes the
 * command.
 */
import * as ProcessGroup from "@toehold/shell/ProcessGroup"
import { machine } from "./machine.ts"
import { shellText } from "./shellText.ts"

/** Bytes that are read from the command at once. Small enough that few are lost when the disk is full. */
export const blockBytes = 16_384

const endGroup = ProcessGroup.killScript({ pid: "$th_q", ownGroup: true, signal: "TERM", graceMs: 10_000 })

/**
 * Arguments: folder, id, umask, bytes of a piece of output, bytes that are kept, time limit in seconds (0 for none), how
 * to begin a session.
 *
 * The id is claimed here and not by the client's script: from the `mkdir` on nothing that happens to the connection can
 * keep the job from running, and before it nothing has run.
 *
 * Output goes through a pipe into pieces that are called by their offset; whole pieces are removed when newer output
 * fills the limit. `dd` reads what there is and no byte more, and writes it at once.
 *
 * The shell's own word on stderr (file `msg`) is what tells a death by signal from an exit code above 128. It says
 * nothing about SIGINT and SIGPIPE; those follow the shells' convention. The command is run in the foreground, as what a
 * shell puts into the background ignores SIGINT.
 */
export const run = shellText`
  ${machine}
  th_d=$1 th_id=$2 th_umask=$3 th_piece=$4 th_keep=$5 th_limit=$6 th_how=$7
  umask 077
  th_since $$
  th_boot
  printf '%s %s %s\n' $$ "$th_t" "$th_b" >"$th_d/sup" || exit 1
  mkdir "$th_root/$th_id" 2>/dev/null || { rm -rf "$th_d"; exit 0; }
  mv "$th_d" "$th_root/$th_id/d" || { rmdir "$th_root/$th_id"; exit 1; }
  th_d=$th_root/$th_id/d

  # Removes pieces that lie wholly before what is kept.
  th_trim() {
    th_old=
    for th_g in "$th_d/$1"/*; do
      th_start "$th_g"
      [ -n "$th_old" ] && [ "$th_s" -le $((th_o - th_keep)) ] && rm -f "$th_old"
      th_old=$th_g
    done
  }

  # The disk is full: the oldest output makes room. False where there is only the newest.
  th_drop() {
    for th_g in "$th_d/$1"/*; do
      [ -e "$th_g" ] && [ "$th_g" != "$th_f" ] || return 1
      rm -f "$th_g"
      return 0
    done
    return 1
  }

  # Reads on without a place to write, counting, until there is one. False at the end of the output.
  th_count() {
    while :; do
      th_c=$(dd bs=${String(blockBytes)} count=16 2>/dev/null | wc -c)
      th_c=$((th_c))
      [ $th_c -gt 0 ] || return 1
      th_o=$((th_o + th_c))
      [ -d "$th_d" ] || exec cat >/dev/null
      dd if=/dev/zero of="$th_d/probe.$1" bs=${String(blockBytes)} count=4 2>/dev/null
      th_i=$?
      rm -f "$th_d/probe.$1"
      [ $th_i = 0 ] && return 0
    done
  }

  th_pump() {
    th_o=0 th_a=0
    while :; do
      th_f=$th_d/$1/$(printf '%016d' $th_o)
      th_a=$th_o th_y=0
      while :; do
        th_c=$(((th_piece - th_y) / ${String(blockBytes)}))
        [ $th_c -gt 0 ] || break
        # In a shell of its own: a file that can't be made ends the one that tries.
        (exec dd bs=${String(blockBytes)} count=$th_c >>"$th_f") 2>/dev/null
        th_i=$?
        th_z=0
        [ -e "$th_f" ] && th_size "$th_f"
        th_o=$((th_a + th_z))
        if [ $th_i != 0 ]; then
          [ -d "$th_d" ] || exec cat >/dev/null
          # What dd had read is gone: at most one block.
          [ -e "$th_f" ] && th_o=$((th_o + ${String(blockBytes)}))
          th_drop $1 || th_count $1 || { : >>"$th_d/$1/$(printf '%016d' $th_o)"; break 2; }
          break
        fi
        [ $th_z -gt $th_y ] || break 2
        th_y=$th_z
      done
      th_trim $1
    done
    mv "$th_d/$1.p" "$th_d/$1.eof"
  }

  th_timer() {
    trap 'kill $th_w 2>/dev/null; exit 0' TERM
    sleep $th_limit &
    th_w=$!
    wait $th_w
    trap '' TERM
    th_alive "$th_d/proc" || exit 0
    mv "$th_d/timer" "$th_d/timedout"
    ${endGroup}
  }

  exec 2<>"$th_d/msg"
  th_pump out <"$th_d/out.p" >/dev/null 2>&1 &
  th_pump err <"$th_d/err.p" >/dev/null 2>&1 &
  th_w=
  [ $th_limit -gt 0 ] && { th_timer >/dev/null 2>&1 & th_w=$!; }
  set -- sh "$th_d/main" "$th_d" $th_umask
  case $th_how in
    setsid | fork) setsid "$@" ;;
    busybox) busybox setsid "$@" ;;
    perl) perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' "$@" ;;
    *) set -m; "$@"; th_i=$?; set +m; (exit $th_i) ;;
  esac
  th_st=$?
  th_to=$(th_now)
  [ -n "$th_w" ] && kill $th_w 2>/dev/null
  if [ ! -e "$th_d/proc" ]; then
    th_remove "$th_root/$th_id"
    exit 1
  fi

  # What the command wrote is still on its way through the pipes. They end by themselves, unless something that it left
  # behind holds them open: then what comes no more is what has come.
  th_k=0 th_was= th_at=0
  until [ -e "$th_d/out.eof" ] && [ -e "$th_d/err.eof" ]; do
    sleep 0.02 2>/dev/null && th_k=$((th_k + 1)) || { sleep 1; th_k=$((th_k + 50)); }
    [ $th_k -lt 50 ] && continue
    th_end "$th_d/out"
    th_is=$th_e
    th_end "$th_d/err"
    th_is=$th_is:$th_e
    [ "$th_is" = "$th_was" ] || th_was=$th_is th_at=$th_k
    [ $((th_k - th_at)) -lt 25 ] && [ $th_k -lt 500 ] || break
  done

  th_m=
  { IFS= read -r th_m; } 2>/dev/null <"$th_d/msg"
  th_flag=-
  [ -e "$th_d/timedout" ] && th_flag=timeout
  th_state=exited
  if [ $th_st -gt 128 ]; then
    if [ "$th_m" != - ] || [ $th_st = 130 ] || [ $th_st = 141 ]; then
      th_state=killed
      th_st=$(kill -l $((th_st - 128)) 2>/dev/null || echo $((th_st - 128)))
    fi
  fi
  # Its room was taken at the start: this succeeds on a full disk.
  printf '%s %s %s %s \n' $th_state $th_st "$th_to" $th_flag 1<>"$th_d/rc.new" && mv "$th_d/rc.new" "$th_d/rc"
`

/** Arguments: folder, umask. Output and input are opened here, so that the shell's own words go elsewhere. */
export const main = shellText`
  ${machine}
  th_d=$1
  umask $2
  exec </dev/null
  [ -e "$th_d/in" ] && exec <"$th_d/in"
  exec >"$th_d/out.p" 2>"$th_d/err.p"
  th_since $$ && th_boot || exit 125
  printf '%s %s %s %s \n' $$ "$th_t" "$th_b" "$(th_now)" 1<>"$th_d/proc.new" || exit 125
  mv "$th_d/proc.new" "$th_d/proc" || exit 125
  IFS= read -r th_spec <"$th_d/spec" || exit 125
  # The command's own PATH may not have it.
  rm -f "$th_d/spec" "$th_d/in"
  eval "$th_spec"
  exec "$@"
`
