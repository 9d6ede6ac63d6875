# The user data of a host. By its first argument: `start` (or none) at each start of the machine, `run` as the service,
# `watch` beside it, `follow` for its logs. Its words are those of hosts on the local target.

MODE=${1:-start}
HOME_FOLDER=/var/lib/prestage
TMP=$HOME_FOLDER/tmp/$MODE
WORK=$HOME_FOLDER/work
SCRIPT=$HOME_FOLDER/host.sh
LOG=/var/log/prestage-host.log
NEIGHBOURS=$HOME_FOLDER/neighbours.sh
# What ends when the machine does.
NOW=/run/prestage
RELEASE_FOLDER=$STORE/releases/$RELEASE
MAX_ENDINGS=5
# The exit status after which systemd does not start the program again.
OVER=65
: "${WATCH_PAUSE:=15}" "${REPORT_PAUSE:=60}" "${RETRY_PAUSE:=30}" "${MAX_PAUSE:=30}" "${NEIGHBOUR_SECONDS:=900}"
LOG_BYTES=262144
HEALTHY=''
WHY=''

# The metadata of an instance that is busy with starting may take longer than the one second and the one attempt that are usual.
export HOME="${HOME:-/root}" AWS_DEFAULT_REGION="$REGION" AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5
umask 022
mkdir -p "$TMP" "$WORK" "$NOW"
chmod 700 "$NOW"

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
  obtain_neighbours
  obtain_database_url
  obtain_secrets
  [ -e "$HOME_FOLDER/booted" ] || await_neighbours
  boot
  start_run
  until_healthy
  HEALTHY=yes
  state healthy
}

case $MODE in
  run | watch | follow)
    read -r INSTANCE ADDRESS <"$NOW/self"
    "$MODE"
    ;;
  *) start ;;
esac
