# For machines that run the agent: Node, the agent and its job.

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

# run_agent <run folder>
run_agent() {
  AWS_REGION=$REGION UV_THREADPOOL_SIZE=$AGENT_THREADS "$NODE" "$AGENT_FOLDER/agent.js" "$1"
}
