# What the scripts of workers and hosts share: functions alone. A header of quoted variables comes before, and the script
# itself after; it defines `fail`, which says why to whoever waits and ends the script.

# The mark of what went wrong last, for one line of a report.
PROBLEM=''

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# Seconds since the machine started: a clock that nobody sets.
seconds() {
  read -r uptime _ </proc/uptime
  printf '%s' "${uptime%%.*}"
}

# To the log, and to the console of the machine.
say() {
  printf '[prestage] %s %s\n' "$(now)" "$*"
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
  retry 3 2 timeout 60 aws s3 cp --only-show-errors --region "$REGION" "$2" "s3://$BUCKET/$1" ||
    say "could not write s3://$BUCKET/$1"
}

# Called with what went wrong when something failed and is tried again. A worker tells it to whoever waits.
trying_again() { :; }

# Looked for before, since a machine that starts again may not reach the repositories.
install_once() {
  { rpm -q "$1" || timeout -k 5 120 dnf -y -q install "$1"; } >"$TMP/dnf.out" 2>&1 && return 0
  trying_again "dnf could not install $1 yet: $(tail_of "$TMP/dnf.out" 2)"
  return 1
}

# install <package>: from the repositories of Amazon Linux, which are in S3.
install_package() {
  if retry 6 10 install_once "$1"; then cat "$TMP/dnf.out"; return 0; fi
  cat "$TMP/dnf.out"
  PROBLEM="dnf could not install $1: $(tail_of "$TMP/dnf.out" 3). Its repositories are in S3: look whether the subnet's route table has the gateway endpoint for S3, and whether the endpoint's policy allows them."
  return 1
}

is_mounted() { grep -q " $STORE " /proc/mounts; }

# How long mounting is tried: mount targets and their names take minutes after they were made.
: "${MOUNT_SECONDS:=180}" "${MOUNT_PAUSE:=10}"

# mount_store <'' or ,options>
mount_store() {
  is_mounted && return 0
  mkdir -p "$STORE"
  mount_until=$(($(seconds) + MOUNT_SECONDS))
  until mount_once "tls,iam,accesspoint=$ACCESS_POINT$1"; do
    if [ "$(seconds)" -ge "$mount_until" ]; then
      diagnose_mount
      return 1
    fi
    sleep "$MOUNT_PAUSE"
  done
}

mount_once() {
  timeout -k 5 60 mount -t efs -o "$1" "$FILE_SYSTEM:/" "$STORE" >"$TMP/mount.out" 2>&1 && return 0
  case $? in 124 | 137) echo 'mount timed out after 60 s' >>"$TMP/mount.out" ;; esac
  say "mount failed: $(mount_said)"
  trying_again "$(mount_said)"
  return 1
}

# What the mount helper printed last, without its advice to install botocore, which changes nothing here.
mount_said() { tail_of "$TMP/mount.out" 5 | sed 's/Attempting to lookup mount target ip address using botocore.*//'; }

# Where the mount helper writes what it does not print, such as why its tunnel ended.
MOUNT_LOG=/var/log/amazon/efs/mount.log

# connects <host> <port>: 6 where there is no such name. By bash, since the curl of Amazon Linux speaks HTTP alone.
connects() {
  getent hosts "$1" >/dev/null || return 6
  # shellcheck disable=SC2016
  timeout 5 bash -c ': <>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null || return 1
}

# The real cause, by what the mount helper said and by what can be tried from here.
diagnose_mount() {
  case $REGION in cn-*) domain=amazonaws.com.cn ;; *) domain=amazonaws.com ;; esac
  name="$FILE_SYSTEM.efs.$REGION.$domain"
  said=$(mount_said)
  what="The store ($FILE_SYSTEM) cannot be mounted"
  connects "$name" 2049
  case $?:$said in
    *'ccess denied'* | *'not authorized'* | *AccessDenied*)
      PROBLEM="$what: access is denied by the file system's policy or by IAM. The machine's role needs elasticfilesystem:ClientMount (and ClientWrite to prepare) by access point $ACCESS_POINT." ;;
    *redentials*)
      PROBLEM="$what: the machine has no credentials, so its instance profile or its role is gone." ;;
    6:* | *'ailed to resolve'* | *'ame or service not known'*)
      PROBLEM="$what: the name $name does not resolve. Either the file system has no mount target in this machine's availability zone, or DNS of the VPC is off (enableDnsSupport and enableDnsHostnames)." ;;
    0:*'imed out'*)
      PROBLEM="$what: $name answers at port 2049, but the mount helper did not come to an end." ;;
    1:* | *'imed out'*)
      PROBLEM="$what: $name does not answer at port 2049. The security group of the mount target must allow TCP 2049 from this machine's." ;;
    *TLS* | *tls* | *tunnel* | *ertificate*)
      PROBLEM="$what: TLS to $name could not be set up." ;;
    *)
      PROBLEM="$what, though $name answers at port 2049." ;;
  esac
  PROBLEM="$PROBLEM The mount helper said: $said"
  [ -s "$MOUNT_LOG" ] || return 0
  tail_of "$MOUNT_LOG" 15
  PROBLEM="$PROBLEM Its log said: $(tail_of "$MOUNT_LOG" 3)"
}

fetch_once() {
  timeout 120 aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/$1" "$2" >"$TMP/fetch.out" 2>&1 && return 0
  cat "$TMP/fetch.out"
  trying_again "s3://$BUCKET/$1 could not be read yet: $(tail_of "$TMP/fetch.out" 2)"
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
