# For the host that prepares the release where it is not ready.

# The store can be written to only while the agent works: nothing that the release brings may change it.
prepare() {
  state preparing "$PROBLEM: this host prepares it"
  install_node || fail "$PROBLEM"
  umount "$STORE"
  mount_store '' || fail "$PROBLEM"
  fetch_agent "$HOME_FOLDER/agent-run" || fail "$PROBLEM"
  run_agent "$HOME_FOLDER/agent-run"
  agent_ending=$(ending $?)
  umount "$STORE"
  mount_store ,ro || fail "$PROBLEM"
  release_is_ready && return 0
  # shellcheck disable=SC2016
  agent_said=$("$NODE" -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).error.message' "$HOME_FOLDER/agent-run/result.json" 2>/dev/null)
  fail "it could not prepare the files: ${agent_said:-the agent ended with $agent_ending}; $PROBLEM"
}
