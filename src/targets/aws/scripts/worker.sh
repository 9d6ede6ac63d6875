# The user data of a worker: prepares files by the agent, and ends its machine whatever happens. Without an argument it keeps
# watch over itself with the argument `work`, which is a session of its own: a shell hears a signal only when it waits, and so
# it always does; and all that works can be ended at once.

MODE=${1:-watch}
TMP=/var/lib/prestage/tmp/$MODE
LOG=/var/log/prestage-worker.log
RUN_FOLDER=/var/lib/prestage/run
WORK_PID=''
TOLD=''
# What the agent has to end by itself, in seconds.
GRACE=30

# The metadata of an instance that is busy with starting may take longer than the one second and the one attempt that are usual.
export HOME="${HOME:-/root}" AWS_DEFAULT_REGION="$REGION" AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5
umask 022

# stage <stage> [detail]
stage() {
  STAGE=$1
  say "stage $1${2:+: $2}"
  printf '{"stage":"%s","time":"%s","detail":"%s"}\n' "$1" "$(now)" "$(json_text "${2:-}")" >"$TMP/stage.json"
  put "$PREFIX/stage.json" "$TMP/stage.json"
  put "$PREFIX/boot.log" "$LOG"
}

# Who waits takes silence for the end, so a stage that goes on says itself again: no attempt may take half of `silenceMs`.
trying_again() { stage "$STAGE" "$1"; }

fail() {
  stage failed "$1"
  exit 1
}

work() {
  trap 'exit 143' TERM
  stage started
  stage installing
  install_package amazon-efs-utils || fail "$PROBLEM"
  install_node || fail "$PROBLEM"
  stage mounting
  mount_store '' || fail "$PROBLEM"
  stage fetching
  fetch_agent "$RUN_FOLDER" || fail "$PROBLEM"
  stage working
  run_agent "$RUN_FOLDER"
}

finish() {
  STATUS=$?
  trap '' HUP INT TERM
  trap - EXIT
  if [ -n "$WORK_PID" ]; then
    kill -TERM "-$WORK_PID" 2>/dev/null
    (sleep "$GRACE" && kill -KILL "-$WORK_PID") 2>/dev/null &
    wait "$WORK_PID"
  fi
  # The agent says itself how it went (0 and 1), and so does `fail`; only what they could not say is said here.
  if [ -n "$TOLD" ]; then
    stage failed 'the worker was told to end before it was done'
  elif [ "$STATUS" -gt 1 ]; then
    stage failed "the agent ended with status $STATUS: $(tail_of "$LOG" 5)"
  fi
  say "ends with status $STATUS"
  printf '{"status":%s,"time":"%s"}\n' "$STATUS" "$(now)" >"$TMP/ended.json"
  put "$PREFIX/ended.json" "$TMP/ended.json"
  put "$PREFIX/boot.log" "$LOG"
  shutdown -h now
  exit "$STATUS"
}

# A machine that stays costs money, so that these come before anything that can fail: somebody who shuts down when this shell
# was killed, and the deadline. At that the worker is told to end, so that it can say so; the timer is for where it does not.
watch() {
  trap 'finish' EXIT
  trap 'TOLD=yes; exit 143' HUP INT TERM
  LAST=$((DEADLINE + 120))
  systemd-run --on-active="${LAST}s" shutdown -h now || { (sleep "$LAST"; shutdown -h now) & }
  systemd-run sh -c "while kill -0 $$; do sleep 5; done; sleep 5; shutdown -h now"
  mkdir -p "$TMP" /var/log
  exec 3>&1 >>"$LOG" 2>&1
  (sleep "$DEADLINE"; kill -TERM "$$") 3>&- &
  setsid "$0" work &
  WORK_PID=$!
  wait "$WORK_PID"
  STATUS=$?
  WORK_PID=''
  exit "$STATUS"
}

if [ "$MODE" = work ]; then
  mkdir -p "$TMP"
  work
else
  watch
fi
