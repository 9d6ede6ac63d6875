# How a host knows itself, and says how it goes: state and log in the bucket, the outcome to its wait condition.

metadata() {
  curl -sf -m 5 --noproxy '*' -H "X-aws-ec2-metadata-token: $TOKEN" "http://169.254.169.254/latest/meta-data/$1"
}

know_self() {
  TOKEN=$(curl -sf -m 5 --noproxy '*' -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token) &&
    INSTANCE=$(metadata instance-id) && ADDRESS=$(metadata local-ipv4) &&
    printf '%s %s\n' "$INSTANCE" "$ADDRESS" >"$NOW/self"
}

# The end of the log, from 256 to 512 KB of it: it begins anew seldom, so that who follows it finds where he was.
put_log() {
  log_bytes=$(wc -c <"$LOG")
  [ "$log_bytes" != "${log_told:-}" ] || return 0
  log_told=$log_bytes
  log_from=$(((log_bytes / LOG_BYTES - 1) * LOG_BYTES))
  [ "$log_from" -gt 0 ] || log_from=0
  tail -c "+$((log_from + 1))" "$LOG" >"$TMP/host.log"
  put "$PREFIX$INSTANCE/host.log" "$TMP/host.log"
}

# state <state> [detail]
state() {
  say "$1${2:+: $2}"
  printf '%s' "$1" >"$NOW/state"
  printf '%s' "${2:-}" >"$NOW/detail"
  [ -n "$INSTANCE" ] || return 0
  # Who reads the state then looks for the last words.
  put_log
  put_state
}

# The last state with the time of now: a report that grows old shows that the host has stopped reporting.
put_state() {
  told_detail=$(json_text "$(cat "$NOW/detail")")
  printf '{"state":"%s",%s"release":"%s","time":"%s","address":"%s"}\n' \
    "$(cat "$NOW/state")" "${told_detail:+\"detail\":\"$told_detail\",}" "$RELEASE" "$(now)" "$ADDRESS" >"$TMP/state.json"
  put "$PREFIX$INSTANCE/state.json" "$TMP/state.json"
  told_at=$(seconds)
}

# signal <SUCCESS or FAILURE> <reason>: once. The URL is signed for no content type.
signal() {
  [ ! -e "$HOME_FOLDER/signalled" ] || return 0
  printf '{"Status":"%s","UniqueId":"%s","Data":"%s","Reason":"%s"}\n' \
    "$1" "${INSTANCE:-unknown}" "$RELEASE" "$(json_text "$2")" >"$TMP/signal.json"
  if retry 10 3 curl -sS -f -m 20 -X PUT -H 'Content-Type:' --data-binary "@$TMP/signal.json" -o /dev/null "$SIGNAL_URL"; then
    printf '%s' "$1" >"$HOME_FOLDER/signalled"
    say "signalled $1"
  else
    say "could not signal $1"
  fi
}

fail() {
  WHY=$1
  state failed "$WHY"
  exit 1
}

finish() {
  finish_status=$?
  trap - EXIT
  trap '' HUP INT TERM
  if [ -n "$HEALTHY" ]; then
    signal SUCCESS "$HOST is healthy"
  else
    [ -n "$WHY" ] || { WHY="its script ended with status $finish_status" && state failed "$WHY"; }
    signal FAILURE "$HOST: $WHY"
  fi
  put_log
  [ -n "$HEALTHY" ] || try_again
  exit "$finish_status"
}

# A host that was healthy once and cannot start after a restart of its machine, perhaps since the store is away, starts again later.
try_again() {
  [ "$(cat "$HOME_FOLDER/signalled" 2>/dev/null)" = SUCCESS ] || return 0
  say "it starts again in $RETRY_PAUSE s"
  systemd-run --quiet --collect --unit="prestage-again-$$" --on-active="$RETRY_PAUSE" "$SCRIPT" 3>&-
}
