# The scripts of the release, what they find in their environment, and whether they are well.

fetch_secret() {
  timeout 60 aws secretsmanager get-secret-value --region "$REGION" --secret-id "$DATABASE_SECRET" \
    --query SecretString --output text >"$NOW/secret" 2>"$TMP/secret.out"
}

# The database's URL; user and password may hold anything.
obtain_database_url() {
  [ -n "$DATABASE_SECRET" ] || return 0
  (umask 077 && : >"$NOW/secret" && : >"$NOW/database-url")
  retry 10 6 fetch_secret || fail "the database's secret $DATABASE_SECRET cannot be read: $(tail_of "$TMP/secret.out" 3)"
  python3 -c '
import json, sys
from urllib.parse import quote
it = json.load(sys.stdin)
scheme = "mysql" if it["engine"] in ("mysql", "mariadb") else "postgres"
user, password, name = (quote(str(it[key]), safe="") for key in ("username", "password", "dbname"))
print("%s://%s:%s@%s:%s/%s" % (scheme, user, password, it["host"], it["port"], name))
' <"$NOW/secret" >"$NOW/database-url" 2>"$TMP/secret.out" ||
    fail "the database's secret $DATABASE_SECRET is not what it must be: $(tail_of "$TMP/secret.out" 1)"
  rm -f "$NOW/secret"
}

# program <script> [file for its process id]: a script of the release, with the variables of this host. What the host's variables
# are named is not ours, so from them on only positional parameters are used.
program() {
  (
    cd "$WORK" || exit
    exec 3>&-
    # shellcheck disable=SC2016
    [ -z "${2:-}" ] || sh -c 'echo "$PPID"' >"$2"
    if [ -n "$DATABASE_SECRET" ]; then
      PRESTAGE_DATABASE_URL=$(cat "$NOW/database-url")
      export PRESTAGE_DATABASE_URL
    fi
    set -- "$RELEASE_FOLDER/.prestage/scripts/$1" "$ADDRESS"
    host_variables
    export PRESTAGE_HOST="$2"
    exec "$1" </dev/null
  )
}

# ending <status>: in words.
ending() {
  if [ "$1" -gt 128 ]; then echo "SIG$(kill -l "$1" 2>/dev/null || echo "NAL $(($1 - 128))")"; else echo "exit status $1"; fi
}

# A boot script that failed, or that a restart of the machine interrupted, is run again at the next start; one that succeeded never is.
boot() {
  [ -n "$BOOT" ] || return 0
  if [ -e "$HOME_FOLDER/booted" ]; then
    say "$BOOT has succeeded before; not run again"
    return 0
  fi
  say "boot: $BOOT"
  program "$BOOT"
  boot_status=$?
  [ "$boot_status" = 0 ] || fail "its boot script $BOOT failed: $(ending "$boot_status")"
  : >"$HOME_FOLDER/booted"
  say 'boot succeeded'
}

# unit <name> <mode> [options]: this script as a service of systemd.
unit() {
  unit_name=$1 unit_mode=$2
  shift 2
  systemd-run --quiet --unit="$unit_name" --property=Type=exec --property=Restart=always \
    --property=StandardOutput="append:$LOG" --property=StandardError="append:$LOG" "$@" "$SCRIPT" "$unit_mode" ||
    fail "systemd did not start $unit_name."
}

start_run() {
  [ -n "$RUN" ] || return 0
  say "run: $RUN"
  : >"$NOW/endings"
  unit prestage-run run --property=RestartSec=1 --property=StartLimitBurst=5 --property=StartLimitIntervalSec=10 \
    --property=KillMode=control-group --property=TimeoutStopSec=30 --property=LimitNOFILE=65536
}

endings() {
  [ -s "$NOW/endings" ] || return 0
  printf '; it ended %s times, last with %s' "$(wc -l <"$NOW/endings")" "$(tail -n 1 "$NOW/endings")"
}

is_running() {
  running=$(cat "$NOW/running" 2>/dev/null) && kill -0 "$running" 2>/dev/null
}

# Whether the host answers its check now; DETAIL says what came instead.
probe() {
  DETAIL=''
  if [ -n "$RUN" ] && ! is_running; then
    DETAIL="its program does not run$(endings)"
    return 1
  fi
  case $HEALTH in
    http)
      url="http://$ADDRESS:$PORT$HEALTH_PATH"
      code=$(curl -s -g --noproxy '*' -m 5 -o /dev/null -w '%{http_code}' "$url")
      case $code in 2?? | 3??) return 0 ;; 000) DETAIL="GET $url: no answer" ;; *) DETAIL="GET $url answered $code" ;; esac
      ;;
    tcp)
      connects "$ADDRESS" "$PORT" && return 0
      DETAIL="no connection to port $PORT"
      ;;
    *)
      [ -n "$RUN" ] || return 0
      [ "$running" != "${ran:-}" ] || return 0
      ran=$running
      DETAIL='its program has just been started'
      sleep 2
      ;;
  esac
  DETAIL="$DETAIL$(endings)"
  return 1
}

until_healthy() {
  healthy_until=$(($(seconds) + HEALTH_SECONDS))
  until probe; do
    if [ -n "$RUN" ] && [ "$(wc -l <"$NOW/endings")" -ge "$MAX_ENDINGS" ]; then
      fail "its program $RUN ended $(wc -l <"$NOW/endings") times, last with $(tail -n 1 "$NOW/endings")"
    fi
    [ "$(seconds)" -lt "$healthy_until" ] || fail "it did not become healthy within $HEALTH_SECONDS s ($DETAIL)"
    sleep 1
  done
}

# In the mode `run`: systemd starts it again when it ends, and ends what is left of it before.
run() {
  program "$RUN" "$NOW/running"
  run_ending=$(ending $?)
  rm -f "$NOW/running"
  printf '%s\n' "$run_ending" >>"$NOW/endings"
  say "$RUN ended ($run_ending)"
  exit 1
}

# In the mode `watch`: brings the log to the bucket, bounds it, and says when a host that was healthy is not any more. Three
# times in a row, since one check may be lost.
watch() {
  misses=0
  while :; do
    sleep "$WATCH_PAUSE"
    if [ "$(wc -c <"$LOG")" -gt 10485760 ]; then
      cp "$LOG" "$LOG.1"
      : >"$LOG"
    fi
    put_log
    now_state=$(cat "$NOW/state")
    case $now_state in healthy | unhealthy) ;; *) continue ;; esac
    if probe; then
      misses=0
      [ "$now_state" = healthy ] || state healthy
    else
      misses=$((misses + 1))
      [ "$misses" != 3 ] || [ "$now_state" = unhealthy ] || state unhealthy "$DETAIL"
    fi
  done
}
