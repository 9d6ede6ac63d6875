# What the scripts of workers and hosts share: functions alone. A header of quoted variables comes before, and the script
# itself after; it defines `fail`, which says why to whoever waits and ends the script.

# The mark of what went wrong last, for one line of a report.
PROBLEM=''

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# To the log, and to the console of the machine.
say() {
  printf '%s %s\n' "$(now)" "$*"
  printf 'prestage: %s\n' "$*" >&3 2>/dev/null || :
}

# Text for the inside of a JSON string, in one line of at most 1500 bytes. The log has what is lost here.
json_text() {
  printf '%s' "$1" | LC_ALL=C tr '\n\r\t' '   ' | LC_ALL=C tr -d '\000-\037\177' | LC_ALL=C tr '\200-\377' '?' |
    cut -c 1-1500 | sed 's/[\\"]/\\&/g' | tr -d '\n'
}

# The last lines of a file, for a report.
tail_of() { tail -n "${2:-5}" "$1" 2>/dev/null; }

# retry <attempts> <seconds between> <command…>: until it succeeds.
retry() {
  retry_left=$1 retry_pause=$2
  shift 2
  while ! "$@"; do
    retry_left=$((retry_left - 1))
    [ "$retry_left" -gt 0 ] || return 1
    sleep "$retry_pause"
  done
}

# put <key> <file>. What we say is never worth failing for: the next report says more.
put() {
  retry 3 2 aws s3 cp --only-show-errors --region "$REGION" "$2" "s3://$BUCKET/$1" ||
    say "could not write s3://$BUCKET/$1"
}

install_once() { dnf -y -q install "$1" >"$TMP/dnf.out" 2>&1; }

# install <package>: from the repositories of Amazon Linux, which are in S3.
install_package() {
  if retry 6 10 install_once "$1"; then cat "$TMP/dnf.out"; return 0; fi
  cat "$TMP/dnf.out"
  PROBLEM="dnf could not install $1: $(tail_of "$TMP/dnf.out" 3). Its repositories are in S3: look whether the subnet's route table has the gateway endpoint for S3, and whether the endpoint's policy allows them."
  return 1
}

# Node by whatever name its package gives it: Amazon Linux names it by its major version.
find_node() {
  for NODE in node-24 node-22 node; do
    command -v "$NODE" >/dev/null 2>&1 && return 0
  done
  return 1
}

install_node() {
  find_node && return 0
  install_package nodejs22 || install_package nodejs24 || return 1
  find_node && return 0
  PROBLEM='a package of Node.js was installed, but there is no program node-24, node-22 or node.'
  return 1
}

is_mounted() { grep -q " $STORE " /proc/mounts; }

# mount_store <'' or ,options>: mount targets and their names take minutes after they were made, so this is patient.
mount_store() {
  is_mounted && return 0
  mkdir -p "$STORE"
  retry 30 10 mount_once "tls,iam,accesspoint=$ACCESS_POINT$1" && return 0
  diagnose_mount
  return 1
}

mount_once() {
  timeout 120 mount -t efs -o "$1" "$FILE_SYSTEM:/" "$STORE" >"$TMP/mount.out" 2>&1 && return 0
  say "mount failed: $(tail_of "$TMP/mount.out" 3)"
  return 1
}

# connects <host> <port>: curl says when it connected; a server that then says nothing is none of our business. 6: no such name.
connects() {
  connected=$(curl -s --noproxy '*' -m 5 -o /dev/null -w '%{time_connect}' "telnet://$1:$2" </dev/null)
  connects_status=$?
  case $connected in *[1-9]*) return 0 ;; esac
  [ "$connects_status" = 6 ] && return 6
  return 1
}

# The real cause, by what the mount helper said and by what can be tried from here.
diagnose_mount() {
  name="$FILE_SYSTEM.efs.$REGION.amazonaws.com"
  said=$(tail_of "$TMP/mount.out" 5)
  what="The store ($FILE_SYSTEM) cannot be mounted"
  connects "$name" 2049
  case $?:$said in
    *'ccess denied'* | *'not authorized'* | *AccessDenied*)
      PROBLEM="$what: access is denied by the file system's policy or by IAM. The machine's role needs elasticfilesystem:ClientMount (and ClientWrite to prepare) by access point $ACCESS_POINT." ;;
    6:* | *'ailed to resolve'* | *'ame or service not known'*)
      PROBLEM="$what: the name $name does not resolve. Either the file system has no mount target in this machine's availability zone, or DNS of the VPC is off (enableDnsSupport and enableDnsHostnames)." ;;
    1:* | *'imed out'*)
      PROBLEM="$what: $name does not answer at port 2049. The security group of the mount target must allow TCP 2049 from this machine's." ;;
    *TLS* | *tls* | *stunnel* | *ertificate*)
      PROBLEM="$what: TLS to $name could not be set up." ;;
    *)
      PROBLEM="$what, though $name answers at port 2049." ;;
  esac
  PROBLEM="$PROBLEM The mount helper said: $said"
}

fetch_once() {
  aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/$1" "$2" >"$TMP/fetch.out" 2>&1 && return 0
  cat "$TMP/fetch.out"
  return 1
}

# fetch <key> <sha256> <file>: checked, so that nothing else than what was meant is ever run.
fetch() {
  if ! retry 10 6 fetch_once "$1" "$3"; then
    PROBLEM="s3://$BUCKET/$1 could not be read: $(tail_of "$TMP/fetch.out" 3)"
    return 1
  fi
  found=$(sha256sum <"$3")
  found=${found%% *}
  [ "$found" = "$2" ] && return 0
  rm -f "$3"
  PROBLEM="s3://$BUCKET/$1 is not what was uploaded: its SHA-256 is $found, expected $2. Deploy again after that object is deleted."
  return 1
}

# fetch_agent <run folder>: the agent's programs, and its job into the run folder.
fetch_agent() {
  AGENT_FOLDER=/var/lib/prestage/agent
  rm -rf "$AGENT_FOLDER" "$1"
  mkdir -p "$AGENT_FOLDER" "$1"
  fetch "$AGENT_KEY" "$AGENT" "$TMP/agent.tar.gz" || return 1
  fetch "$JOB_KEY" "$JOB" "$1/job.json" || return 1
  chmod 600 "$1/job.json"
  tar -xzf "$TMP/agent.tar.gz" -C "$AGENT_FOLDER" && [ -f "$AGENT_FOLDER/agent.js" ] && return 0
  PROBLEM="s3://$BUCKET/$AGENT_KEY is no archive that holds agent.js."
  return 1
}

# run_agent <run folder>: in the background, because a shell hears a signal only when it waits.
run_agent() {
  AWS_REGION=$REGION UV_THREADPOOL_SIZE=$AGENT_THREADS "$NODE" "$AGENT_FOLDER/agent.js" "$1" &
  AGENT_PID=$!
  wait "$AGENT_PID"
}
