# The user data of a worker: prepares files by the agent, and ends its machine whatever happens.

AGENT_PID=''
STATUS=1
TMP=/var/lib/prestage/tmp
LOG=/var/log/prestage-worker.log
RUN_FOLDER=/var/lib/prestage/run

finish() {
  STATUS=$?
  trap '' HUP INT TERM
  trap - EXIT
  if [ -n "$AGENT_PID" ]; then
    kill -TERM "$AGENT_PID" 2>/dev/null
    wait "$AGENT_PID"
  fi
  say "ends with status $STATUS"
  printf '{"status":%s,"time":"%s"}\n' "$STATUS" "$(now)" >"$TMP/ended.json"
  put "$PREFIX/ended.json" "$TMP/ended.json"
  put "$PREFIX/boot.log" "$LOG"
  shutdown -h now
  exit "$STATUS"
}

# A machine that stays costs money, so these come before anything that can fail.
trap 'finish' EXIT
trap 'exit 143' HUP INT TERM
systemd-run --on-active="${DEADLINE}s" shutdown -h now || { (sleep "$DEADLINE"; shutdown -h now) & }

export HOME="${HOME:-/root}" AWS_DEFAULT_REGION="$REGION"
umask 022
mkdir -p "$TMP" /var/log
exec 3>&1 >>"$LOG" 2>&1

# stage <stage> [detail]
stage() {
  say "stage $1${2:+: $2}"
  printf '{"stage":"%s","time":"%s","detail":"%s"}\n' "$1" "$(now)" "$(json_text "${2:-}")" >"$TMP/stage.json"
  put "$PREFIX/stage.json" "$TMP/stage.json"
  put "$PREFIX/boot.log" "$LOG"
}

fail() {
  stage failed "$1"
  exit 1
}

stage started
stage installing
install_package amazon-efs-utils || fail "$PROBLEM"
install_node || fail "$PROBLEM"
stage mounting
mount_store '' || fail "$PROBLEM"
stage fetching
fetch_agent "$RUN_FOLDER" || fail "$PROBLEM"
stage working
# The agent says itself how it went; only what it could not say is said here.
run_agent "$RUN_FOLDER"
STATUS=$?
AGENT_PID=''
[ "$STATUS" -le 1 ] || stage failed "the agent ended with status $STATUS: $(tail_of "$LOG" 5)"
exit "$STATUS"
