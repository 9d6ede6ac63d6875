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
