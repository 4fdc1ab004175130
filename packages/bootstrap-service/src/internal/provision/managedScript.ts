/** Services that systemd or a supervisor keeps: one script, by verb. */
import { prelude } from "./ask.ts"

/**
 * Arguments: verb, manager, name, digest. `ensure` reads the program from stdin. What is set up has a digest beside it,
 * written last, so that a start that was cut off is done again, and what runs already is left alone.
 */
export const managed = `${prelude}
th_verb=$1 th_manager=$2 th_name=$3 th_digest=$4
th_unit=toehold-$th_name
th_dir=$HOME/.local/state/toehold/services/$th_name
th_fail() { th_say failed "$1"; th_say end; exit 0; }
case $th_manager in
  systemd) th_ctl=systemctl th_conf=/etc/systemd/system/$th_unit.service ;;
  systemd-user)
    th_ctl='systemctl --user' th_conf=$HOME/.config/systemd/user/$th_unit.service
    XDG_RUNTIME_DIR=\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    export XDG_RUNTIME_DIR ;;
  supervisor) th_ctl=supervisorctl th_conf=/etc/supervisor/conf.d/$th_unit.conf ;;
esac
th_state() {
  th_st=missing th_detail='is not there'
  [ -f "$th_conf" ] || return 0
  if [ $th_manager = supervisor ]; then
    th_detail=$($th_ctl status "$th_unit" 2>&1 </dev/null | head -n 1)
    case $th_detail in *' RUNNING '* | *' STARTING '*) th_st=running ;; *) th_st=ended ;; esac
  else
    th_detail=$($th_ctl show -p ActiveState -p SubState -p Result "$th_unit" 2>&1 </dev/null | tr '\\n' ' ')
    # Between two attempts to start what ends each time it is "activating".
    case $th_detail in *SubState=auto-restart*) th_st=ended ;; *ActiveState=active* | *ActiveState=activating*) th_st=running ;; *) th_st=ended ;; esac
  fi
}
th_tell() { th_state; th_say state $th_st; th_say detail "$th_detail"; th_say end; exit 0; }
th_write() {
  th_log=$th_dir/log
  if [ $th_manager = supervisor ]; then
    printf '%s\\n' "[program:$th_unit]" "command=/bin/sh $th_dir/run" 'autostart=true' 'autorestart=unexpected' \\
      'startsecs=0' 'stopasgroup=true' 'killasgroup=true' 'redirect_stderr=true' "stdout_logfile=$th_log" \\
      'stdout_logfile_maxbytes=16MB' 'stdout_logfile_backups=1'
  else
    th_want=multi-user.target
    [ $th_manager = systemd ] || th_want=default.target
    printf '%s\\n' '[Unit]' "Description=$th_name, kept by toehold" 'After=network.target' '[Service]' \\
      "ExecStart=/bin/sh $th_dir/run" 'Restart=on-failure' 'RestartSec=2' "StandardOutput=append:$th_log" \\
      "StandardError=append:$th_log" '[Install]' "WantedBy=$th_want"
  fi
}
th_remove() {
  if [ $th_manager = supervisor ]; then
    $th_ctl stop "$th_unit" >/dev/null 2>&1 </dev/null
    rm -f "$th_conf"
    $th_ctl update "$th_unit" >/dev/null 2>&1 </dev/null
  else
    $th_ctl disable --now "$th_unit" >/dev/null 2>&1 </dev/null
    rm -f "$th_conf"
    $th_ctl daemon-reload >/dev/null 2>&1 </dev/null
  fi
  rm -rf "$th_dir"
}
case $th_verb in
  status) th_tell ;;
  head | tail)
    $th_verb -c 65536 "$th_dir/log" 2>/dev/null | while IFS= read -r th_l || [ -n "$th_l" ]; do th_say line "$th_l"; done
    th_tell ;;
  stop)
    th_state
    [ $th_st = missing ] || { th_remove; th_say changed yes; }
    th_tell ;;
esac
# No '"' and no '%' in a path: neither manager's file would read it as it is.
case $th_dir in *[!A-Za-z0-9_./+-]*) th_fail "the home folder $HOME can't be written into its files" ;; esac
umask 077
mkdir -p "$th_dir" \${th_conf%/*} || th_fail "no folder $th_dir"
cat >"$th_dir/run.new" || th_fail "no file in $th_dir"
th_had=
[ -f "$th_dir/digest" ] && IFS= read -r th_had <"$th_dir/digest"
th_state
if [ "$th_had" = "$th_digest" ] && [ $th_st = running ]; then rm -f "$th_dir/run.new"; th_tell; fi
th_was=$th_st
rm -f "$th_dir/digest"
mv -f "$th_dir/run.new" "$th_dir/run" || th_fail "no file in $th_dir"
umask 022
th_write >"$th_conf" || th_fail "$th_conf can't be written"
umask 077
if [ $th_manager = supervisor ]; then
  th_e=$($th_ctl update "$th_unit" 2>&1 </dev/null) || th_fail "$th_e"
  th_state
  if [ $th_was = running ]; then
    th_e=$($th_ctl restart "$th_unit" 2>&1 </dev/null) || th_fail "$th_e"
  elif [ $th_st != running ]; then
    th_e=$($th_ctl start "$th_unit" 2>&1 </dev/null) || th_fail "$th_e"
  fi
else
  # To enable it reads the new file as well; what can't be enabled can still be run.
  th_e=$($th_ctl enable "$th_unit" 2>&1 </dev/null) || th_e=$($th_ctl daemon-reload 2>&1 </dev/null) || th_fail "$th_e"
  th_e=$($th_ctl restart "$th_unit" 2>&1 </dev/null) || th_fail "$th_e"
  [ $th_manager = systemd ] || [ -e "/var/lib/systemd/linger/$(id -un)" ] || loginctl enable-linger >/dev/null 2>&1 </dev/null
fi
printf '%s\\n' "$th_digest" >"$th_dir/digest"
th_say changed yes
th_tell`
