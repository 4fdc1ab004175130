import { machine, status } from "./machine.ts"
import { shellText } from "./shellText.ts"

/**
 * Arguments: id, offsets in stdout and stderr (`-` for none of it), bytes to print at most (0: follow to the job's end),
 * milliseconds between signs of life.
 *
 * Prints lines: `D stream offset length` with that many bytes of output after it, `G stream from to` where output is
 * missing, `H` as a sign of life, and last the job and `Z`.
 *
 * That the job has ended is looked up before the sizes of its output. A piece is opened before its length is promised,
 * and when fewer bytes could be read nothing follows, so that no line of this can be taken for output.
 */
export const follow = shellText`
  ${machine}
  ${status}
  # Takes its child along, which would stay as a zombie where nobody reaps.
  trap 'exit 143' HUP INT TERM
  th_id=$1 th_po=$2 th_pe=$3 th_max=$4 th_beat=$5
  th_find "$th_id" || th_fail missing
  th_boot
  echo H

  # Sends what a stream has at th_p, or tells of a gap there; moves th_p.
  th_send() {
    th_f= th_a= th_next=
    for th_g in "$th_d/$1"/*; do
      [ -e "$th_g" ] || continue
      th_start "$th_g"
      if [ $th_s -gt $th_p ]; then th_next=$th_s; break; fi
      th_f=$th_g th_a=$th_s
    done
    if [ -n "$th_f" ]; then
      th_size "$th_f" || return 0
      th_c=$((th_a + th_z - th_p))
      if [ $th_c -gt 0 ]; then
        [ $th_max = 0 ] || [ $th_c -le $th_max ] || th_c=$th_max
        if [ $th_c -lt 65536 ]; then th_bs=$th_c th_c=1; else th_bs=65536 th_c=$((th_c / 65536)); fi
        [ $th_c -le 64 ] || th_c=64
        {
          printf 'D %s %s %s\n' "$2" $th_p $((th_bs * th_c))
          # One byte at a time is how far to go, not how to read: dd seeks.
          th_r=$({ dd bs=1 skip=$((th_p - th_a)) count=0 2>/dev/null; LC_ALL=C dd bs=$th_bs count=$th_c 2>&1 >&5; })
          case $th_r in "$th_c+0 records in"*) ;; *) exit 5 ;; esac
          th_p=$((th_p + th_bs * th_c))
          [ $th_max = 0 ] || th_max=$((th_max - th_bs * th_c))
          th_any=1
        } 5>&1 2>/dev/null <"$th_f"
        return 0
      fi
    fi
    if [ -n "$th_next" ]; then
      printf 'G %s %s %s\n' "$2" $th_p $th_next
      th_p=$th_next th_any=1
    fi
  }

  th_last() { th_status "$th_id" && echo Z; exit 0; }
  th_once=$th_max th_idle=0 th_quiet=0 th_seen=0 th_over=
  while :; do
    th_any=
    [ -e "$th_d/rc" ] && th_over=1
    if [ "$th_po" != - ]; then th_p=$th_po; th_send out o; th_po=$th_p; fi
    if [ "$th_pe" != - ]; then th_p=$th_pe; th_send err e; th_pe=$th_p; fi
    if [ -n "$th_any" ]; then
      [ $th_once = 0 ] || [ $th_max -gt 0 ] || th_last
      th_idle=0 th_quiet=0
      continue
    fi
    [ -z "$th_over" ] && [ $th_once = 0 ] || th_last
    case $th_idle in 0) th_w=20 ;; 1) th_w=50 ;; 2) th_w=100 ;; 3) th_w=200 ;; *) th_w=500 ;; esac
    th_idle=$((th_idle + 1))
    case $th_w in ?? | ?) th_i=0.0$th_w ;; *) th_i=0.$th_w ;; esac
    sleep $th_i 2>/dev/null || { th_w=1000; sleep 1; }
    th_quiet=$((th_quiet + th_w)) th_seen=$((th_seen + th_w))
    if [ $th_quiet -ge $th_beat ]; then echo H; th_quiet=0; fi
    if [ $th_seen -ge 2000 ]; then
      th_seen=0
      [ -d "$th_d" ] || th_fail missing
      th_alive "$th_d/sup" || th_alive "$th_d/proc" || th_over=1
    fi
  done
`
