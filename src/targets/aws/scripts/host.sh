# The user data of a host. By its first argument: `start` (or none) at each start of the machine, `run` as the service,
# `watch` beside it. Its words are those of hosts on the local target.

MODE=${1:-start}
HOME_FOLDER=/var/lib/prestage
TMP=$HOME_FOLDER/tmp/$MODE
WORK=$HOME_FOLDER/work
SCRIPT=$HOME_FOLDER/host.sh
LOG=/var/log/prestage-host.log
# What ends when the machine does.
NOW=/run/prestage
RELEASE_FOLDER=$STORE/releases/$RELEASE
MAX_ENDINGS=5
: "${WATCH_PAUSE:=15}"
LOG_BYTES=262144
HEALTHY=''
WHY=''

export HOME="${HOME:-/root}" AWS_DEFAULT_REGION="$REGION"
umask 022
mkdir -p "$TMP" "$WORK" "$NOW"
chmod 700 "$NOW"

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
  [ -n "$INSTANCE" ] || return 0
  printf '{"state":"%s",%s"release":"%s","time":"%s","address":"%s"}\n' \
    "$1" "${2:+\"detail\":\"$(json_text "$2")\",}" "$RELEASE" "$(now)" "$ADDRESS" >"$TMP/state.json"
  put "$PREFIX$INSTANCE/state.json" "$TMP/state.json"
  put_log
}

# signal <SUCCESS or FAILURE> <reason>: once. The URL is signed for no content type.
signal() {
  [ ! -e "$HOME_FOLDER/signalled" ] || return 0
  printf '{"Status":"%s","UniqueId":"%s","Data":"%s","Reason":"%s"}\n' \
    "$1" "${INSTANCE:-unknown}" "$RELEASE" "$(json_text "$2")" >"$TMP/signal.json"
  if retry 10 3 curl -sS -f -m 20 -X PUT -H 'Content-Type:' --data-binary "@$TMP/signal.json" -o /dev/null "$SIGNAL_URL"; then
    : >"$HOME_FOLDER/signalled"
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
  exit "$finish_status"
}

# What is not as it must be before anything of the release is run; nothing where all is.
lacking() {
  is_mounted || { printf '%s\n' "the store is not mounted at $STORE" && return; }
  [ -d "$RELEASE_FOLDER" ] || { printf '%s\n' "release $RELEASE is not in $STORE" && return; }
  grep -q "\"release\" *: *\"$RELEASE\"" "$RELEASE_FOLDER/release.json" 2>/dev/null ||
    printf '%s\n' 'its record release.json cannot be read'
  needs | while IFS= read -r need; do
    tree=$(readlink "$RELEASE_FOLDER/$need")
    case $tree in
      *../trees/?*) tree=${tree##*/} ;;
      *) printf '%s\n' "$need is no package of it" && break ;;
    esac
    [ -d "$STORE/trees/$tree" ] || { printf '%s\n' "tree $tree, which is its $need, is not there" && break; }
    [ -f "$STORE/trees/$tree.mtree" ] || { printf '%s\n' "tree $tree, which is its $need, has no manifest" && break; }
  done
  for script in "$BOOT" "$RUN"; do
    [ -z "$script" ] || [ -x "$RELEASE_FOLDER/.prestage/scripts/$script" ] || printf '%s\n' "its script $script is not there"
  done
}

release_is_ready() {
  PROBLEM=$(lacking | head -n 1)
  case $PROBLEM in
    '') return 0 ;;
    'its '* | 'tree '* | *' is no package of it') PROBLEM="release $RELEASE is incomplete in $STORE: $PROBLEM" ;;
  esac
  return 1
}

obtain_files() {
  if ! release_is_ready; then
    case $NOT_READY in
      prepare) prepare ;;
      wait) wait_for_files ;;
      *) fail "$PROBLEM" ;;
    esac
  fi
  say "release $RELEASE is ready in $STORE"
}

wait_for_files() {
  state waiting "$PROBLEM: waiting for the jump host to prepare it"
  wait_until=$(($(seconds) + WAIT_SECONDS))
  while ! release_is_ready; do
    [ "$(seconds)" -lt "$wait_until" ] ||
      fail "it waited $WAIT_SECONDS s for the jump host to prepare the files: $PROBLEM"
    sleep 5
  done
}

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

# cloud-init runs user data at the first start alone, and what is in this folder at each.
keep_for_each_start() {
  mkdir -p /var/lib/cloud/scripts/per-boot
  [ "$0" = "$SCRIPT" ] || { cp "$0" "$SCRIPT.new" && chmod 700 "$SCRIPT.new" && mv "$SCRIPT.new" "$SCRIPT"; } ||
    fail "its script could not be copied to $SCRIPT"
  ln -sf "$SCRIPT" /var/lib/cloud/scripts/per-boot/prestage-host
}

start() {
  INSTANCE='' ADDRESS=''
  trap 'finish' EXIT
  trap 'exit 143' HUP INT TERM
  exec 3>&1 >>"$LOG" 2>&1
  rm -f "$NOW/self" "$NOW/running"
  retry 20 3 know_self || fail "the metadata of its instance cannot be read"
  state starting
  keep_for_each_start
  unit prestage-watch watch --property=RestartSec=15
  install_package amazon-efs-utils || fail "$PROBLEM"
  mount_store ,ro || fail "$PROBLEM"
  obtain_files
  obtain_database_url
  boot
  start_run
  until_healthy
  HEALTHY=yes
  state healthy
}

case $MODE in
  run | watch)
    read -r INSTANCE ADDRESS <"$NOW/self"
    "$MODE"
    ;;
  *) start ;;
esac
