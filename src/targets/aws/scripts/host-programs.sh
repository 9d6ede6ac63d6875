# The scripts of the release, what they find in their environment, and whether they are well.

fetch_secret() {
  timeout 60 aws secretsmanager get-secret-value --region "$REGION" --secret-id "$DATABASE_SECRET" \
    --query SecretString --output text >"$NOW/secret" 2>"$TMP/secret.out"
}

# obtain_certificates <key> <sha256> <name>: by which the database's certificate is verified; once.
obtain_certificates() {
  echo "$2  $HOME_FOLDER/$3" | sha256sum -c --status 2>/dev/null && return 0
  fetch "$1" "$2" "$TMP/$3" || fail "$PROBLEM"
  mv "$TMP/$3" "$HOME_FOLDER/$3"
}

# The database's URLs; user and password may hold anything. Each names its own way of verifying the server: of PostgreSQL's, all
# clients understand sslmode, but not all sslrootcert; those of MySQL have no word in common.
obtain_database_url() {
  [ -n "$DATABASE_SECRET" ] || return 0
  obtain_certificates "$DATABASE_CA_KEY" "$DATABASE_CA" database-ca.pem
  obtain_certificates "$DATABASE_TRUST_KEY" "$DATABASE_TRUST" database-ca.jks
  (umask 077 && : >"$NOW/secret" && : >"$NOW/database-url")
  retry 10 6 fetch_secret || fail "the database's secret $DATABASE_SECRET cannot be read: $(tail_of "$TMP/secret.out" 3)"
  python3 -c '
import json, sys
from urllib.parse import quote
it = json.load(sys.stdin)
user, password, name = (quote(str(it[key]), safe="") for key in ("username", "password", "dbname"))
to = "%s:%s/%s" % (it["host"], it["port"], name)
who = "?user=%s&password=%s&" % (user, password)
ca = sys.argv[1] + "/database-ca"
mysql = it["engine"] == "mysql"
print("%s://%s:%s@%s" % ("mysql" if mysql else "postgres", user, password, to if mysql else to + "?sslmode=verify-full"))
store = "&trustCertificateKeyStore"
trust = "sslMode=VERIFY_IDENTITY%sUrl=file:%s.jks%sType=JKS%sPassword=%s" % (store, ca, store, store, sys.argv[2])
print("jdbc:%s://%s%s%s" % ("mysql" if mysql else "postgresql", to, who, trust if mysql else "sslmode=verify-full&sslrootcert=%s.pem" % ca))
' "$HOME_FOLDER" "$DATABASE_TRUST_PASSWORD" <"$NOW/secret" >"$NOW/database-url" 2>"$TMP/secret.out" ||
    fail "the database's secret $DATABASE_SECRET is not what it must be: $(tail_of "$TMP/secret.out" 1)"
  rm -f "$NOW/secret"
}

# program <script> <user> [file for its process id]: runs a script of the release as that user, with the variables of this host.
# Those may have any name, so from there on only positional parameters are used, and no program is looked up by PATH.
program() {
  (
    cd "$WORK" || exit
    exec 3>&-
    # shellcheck disable=SC2016
    [ -z "${3:-}" ] || sh -c 'echo "$PPID"' >"$3"
    if [ -n "$DATABASE_SECRET" ]; then
      { read -r PRESTAGE_DATABASE_URL && read -r PRESTAGE_DATABASE_JDBC_URL; } <"$NOW/database-url"
      # libpq verifies by PGSSLROOTCERT, Node by NODE_EXTRA_CA_CERTS beside what it trusts anyway.
      PRESTAGE_DATABASE_CA=$HOME_FOLDER/database-ca.pem PGSSLROOTCERT=$HOME_FOLDER/database-ca.pem NODE_EXTRA_CA_CERTS=$HOME_FOLDER/database-ca.pem
      export PRESTAGE_DATABASE_URL PRESTAGE_DATABASE_JDBC_URL PRESTAGE_DATABASE_CA PGSSLROOTCERT NODE_EXTRA_CA_CERTS
    fi
    HOME=$(getent passwd "$2" | cut -d: -f6) USER=$2 LOGNAME=$2
    export HOME USER LOGNAME
    set -- "$RELEASE_FOLDER/.prestage/scripts/$1" "$ADDRESS" "$(id -u "$2")" "$(id -g "$2")" "$(capabilities)"
    # shellcheck disable=SC1090
    . "$NEIGHBOURS"
    export PRESTAGE_NEIGHBOURS="$NEIGHBOURS"
    # shellcheck disable=SC1091
    [ ! -e "$NOW/secrets.sh" ] || . "$NOW/secrets.sh"
    host_variables
    export PRESTAGE_HOST="$2"
    [ "$3" != 0 ] || exec "$1" </dev/null
    exec /usr/bin/setpriv --reuid="$3" --regid="$4" --init-groups --inh-caps="$5" --ambient-caps="$5" "$1" </dev/null
  )
}

# Only a privileged program may listen on a port below 1024, so a service that has one is given that one capability.
capabilities() {
  if [ -n "$PORT" ] && [ "$PORT" -lt 1024 ]; then echo +net_bind_service; else echo -all; fi
}

# give_work_to <user>: makes the user where there is none, and lets it own the working folder and the log.
give_work_to() {
  id "$1" >/dev/null 2>&1 || useradd --system --home-dir "$WORK" --shell /sbin/nologin "$1" ||
    fail "the user $1 could not be made"
  [ "$(stat -c %U "$WORK")" = "$1" ] || chown -hR "$1:" "$WORK" || fail "$WORK could not be given to the user $1"
  chown "$1" "$LOG"
}

# ending <status>: in words.
ending() {
  if [ "$1" -gt 128 ]; then echo "SIG$(kill -l "$1" 2>/dev/null || echo "NAL $(($1 - 128))")"; else echo "exit status $1"; fi
}

# A boot script that failed, or that a restart of the machine interrupted, is run again at the next start; one that succeeded never is.
boot() {
  [ -n "$BOOT$(files)" ] || return 0
  if [ -e "$HOME_FOLDER/booted" ]; then
    say "${BOOT:-what copies its files} has succeeded before; not run again"
    return 0
  fi
  [ -z "$(files)" ] || copy_files
  if [ -n "$BOOT" ]; then
    say "boot: $BOOT (as $BOOT_USER)"
    give_work_to "$BOOT_USER"
    program "$BOOT" "$BOOT_USER"
    boot_status=$?
    [ "$boot_status" = 0 ] || fail "its boot script $BOOT failed: $(ending "$boot_status")"
    say 'boot succeeded'
  fi
  : >"$HOME_FOLDER/booted"
}

# unit <name> <mode> [options]: this script as a service of systemd; once for each start of the machine.
unit() {
  unit_name=$1 unit_mode=$2
  shift 2
  [ ! -e "$NOW/$unit_name" ] || return 0
  systemd-run --quiet --unit="$unit_name" --property=Type=exec --property=Restart=always \
    --property=StandardOutput="append:$LOG" --property=StandardError="append:$LOG" "$@" "$SCRIPT" "$unit_mode" ||
    fail "systemd did not start $unit_name."
  : >"$NOW/$unit_name"
}

# Without a limit of starts: systemd would otherwise give up for good on a program that ends at once while its database is away.
start_run() {
  [ -n "$RUN" ] || return 0
  say "run: $RUN (as $RUN_USER)"
  : >"$NOW/endings"
  rm -f "$NOW/pause"
  give_work_to "$RUN_USER"
  [ -z "$(logs)" ] || unit prestage-logs follow --property=RestartSec=5
  unit prestage-run run --property=RestartSec=100ms --property=StartLimitIntervalSec=0 \
    --property=RestartPreventExitStatus="$OVER" --property=KillMode=control-group --property=KillSignal="$STOP_SIGNAL" \
    --property=TimeoutStopSec="$STOP_SECONDS" --property=LimitNOFILE=65536
}

endings() {
  [ -s "$NOW/endings" ] || return 0
  printf '; it ended %s times, last with %s' "$(wc -l <"$NOW/endings")" "$(tail -n 1 "$NOW/endings")"
}

is_running() {
  running=$(cat "$NOW/running" 2>/dev/null) && kill -0 "$running" 2>/dev/null
}

# is_well <status>: one of those that the check names, else 2xx or 3xx.
is_well() {
  if [ -n "$HEALTH_STATUS" ]; then
    case " $HEALTH_STATUS " in *" $1 "*) return 0 ;; esac
  else
    case $1 in 2?? | 3??) return 0 ;; esac
  fi
  return 1
}

# Whether the host answers its check now; DETAIL says what came instead.
probe() {
  DETAIL=''
  if [ -n "$RUN" ] && [ -e "$NOW/over" ]; then
    over=$(tail -n 1 "$NOW/endings")
    [ -n "$PORT" ] || [ "$over" != 'exit status 0' ] || return 0
    DETAIL="its program ended ($over), and is not started again"
    return 1
  fi
  if [ -n "$RUN" ] && ! is_running; then
    DETAIL="its program does not run$(endings)"
    return 1
  fi
  case $HEALTH in
    http)
      url="$HEALTH_SCHEME://$ADDRESS:$PORT$HEALTH_PATH"
      # -k: a certificate is for the service's name, if for anybody's; this asks for an address.
      code=$(health_headers | curl -s -k -g --noproxy '*' -m 5 -H @- -o /dev/null -w '%{http_code}' "$url")
      is_well "$code" && return 0
      case $code in 000) DETAIL="GET $url: no answer" ;; *) DETAIL="GET $url answered $code" ;; esac
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
    [ ! -e "$NOW/over" ] || fail "$DETAIL"
    if [ -n "$RUN" ] && [ "$(wc -l <"$NOW/endings")" -ge "$MAX_ENDINGS" ]; then
      fail "its program $RUN ended $(wc -l <"$NOW/endings") times, last with $(tail -n 1 "$NOW/endings")"
    fi
    [ "$(seconds)" -lt "$healthy_until" ] || fail "it did not become healthy within $HEALTH_SECONDS s ($DETAIL)"
    sleep 1
  done
}

# In the mode `run`: systemd starts this again when it ends, and first ends what is left of it.
run() {
  run_since=$(seconds)
  program "$RUN" "$RUN_USER" "$NOW/running"
  run_ending=$(ending $?)
  rm -f "$NOW/running"
  printf '%s\n' "$run_ending" >>"$NOW/endings"
  if is_over "$run_ending"; then
    : >"$NOW/over"
    say "$RUN ended ($run_ending), and is not started again"
    exit "$OVER"
  fi
  next_pause "$(($(seconds) - run_since))"
  say "$RUN ended ($run_ending); it is started again in $PAUSE s"
  sleep "$PAUSE"
  exit 1
}

# is_over <ending>: whether the program is not to be started again.
is_over() {
  case $RESTART in never) return 0 ;; on-failure) [ "$1" = 'exit status 0' ] ;; *) return 1 ;; esac
}

# next_pause <seconds that the program ran>: PAUSE doubles up to MAX_PAUSE, and begins anew after a program that ran for a minute.
# The script counts, since systemd's own growing pause (RestartSteps=) came with version 254, and Amazon Linux 2023 has 252.
next_pause() {
  PAUSE=1
  if [ "$1" -lt 60 ] && read -r pause_before <"$NOW/pause"; then PAUSE=$((pause_before * 2)); fi 2>/dev/null
  [ "$PAUSE" -le "$MAX_PAUSE" ] || PAUSE=$MAX_PAUSE
  echo "$PAUSE" >"$NOW/pause"
}

# In the mode `watch`: brings the log to the bucket, bounds it, reports the state again each minute, and says when a host that was
# healthy is not any more. Three times in a row, since one check may be lost.
watch() {
  misses=0
  while :; do
    sleep "$WATCH_PAUSE"
    if [ "$(wc -c <"$LOG")" -gt 10485760 ]; then
      cp "$LOG" "$LOG.1"
      : >"$LOG"
    fi
    [ -z "$(logs)" ] || bound_logs
    put_log
    now_state=$(cat "$NOW/state")
    case $now_state in healthy | unhealthy) ;; *) continue ;; esac
    [ "$(seconds)" -lt "$((${told_at:-0} + REPORT_PAUSE))" ] || { put_state && follow_neighbours; }
    if probe; then
      misses=0
      [ "$now_state" = healthy ] || state healthy
    else
      misses=$((misses + 1))
      [ "$misses" != 3 ] || [ "$now_state" = unhealthy ] || state unhealthy "$DETAIL"
    fi
  done
}
