# What a program has in its working folder beside what it makes there itself: files of the release, and its own log.

# as_owner <command…>: as the user who owns the working folder, so that no link in it leads a privileged program elsewhere.
as_owner() {
  owner=$(stat -c %u "$WORK")
  if [ "$owner" = 0 ]; then "$@"; else setpriv --reuid="$owner" --regid="$(stat -c %g "$WORK")" --clear-groups --inh-caps=-all "$@"; fi
}

# What the programs write into, from the release, which is read-only. What an earlier attempt left there is replaced.
copy_files() {
  files | while IFS= read -r to && IFS= read -r from; do
    # shellcheck disable=SC2016
    as_owner sh -c 'cd "$1" && rm -rf -- "$3" && mkdir -p -- "$(dirname -- "$3")" && cp -RH -- "$2" "$3" && chmod -R u+w -- "$3"' \
      - "$WORK" "$RELEASE_FOLDER/$from" "$to" 2>"$TMP/files.out" </dev/null || exit 1
    say "copied $from to $to"
  done || fail "its files could not be copied: $(tail_of "$TMP/files.out" 1)"
}

# In the mode `follow`: brings what the program writes into files of its own to the host's log, as that user. Of a file that is there
# already, what is written from now on.
follow() {
  logs >"$TMP/logs"
  while IFS= read -r log_file; do set -- "$@" "$WORK/$log_file"; done <"$TMP/logs"
  exec setpriv --reuid="$(id -u "$RUN_USER")" --regid="$(id -g "$RUN_USER")" --init-groups tail -q -n 0 -F -- "$@" 2>/dev/null
}

# Empties those of more than 10 MiB: their lines are in the host's log, and the program goes on appending to the same file.
bound_logs() {
  logs | while IFS= read -r log_file; do
    # shellcheck disable=SC2016
    as_owner sh -c '[ ! -f "$1" ] || [ "$(wc -c <"$1")" -le 10485760 ] || : >"$1"' - "$WORK/$log_file" </dev/null
  done
}
