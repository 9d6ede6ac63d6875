# What a host needs of the store before it runs anything, and what it does where that is not there.

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

# An NFS client may go on saying for a minute that a name is not there, but not after the folder was listed.
list_store() {
  for folder in "$STORE" "$STORE/releases" "$STORE/trees"; do ls "$folder" >/dev/null 2>&1; done
}

release_is_ready() {
  list_store
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
