# Where other services are: an object in the bucket that is another one when they move, while this host stays as it is.

fetch_neighbours() {
  timeout 60 aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/$NEIGHBOURS_KEY" "$NEIGHBOURS.new" >"$TMP/neighbours.out" 2>&1
}

# What was known before will do for a machine that starts again and does not reach the bucket.
obtain_neighbours() {
  if retry 10 6 fetch_neighbours; then
    mv "$NEIGHBOURS.new" "$NEIGHBOURS"
  else
    [ -e "$NEIGHBOURS" ] || fail "where other services are cannot be read: $(tail_of "$TMP/neighbours.out" 2)"
  fi
}

# Until each service that comes before this one takes connections: its balancer may take minutes to, while its hosts are healthy.
await_neighbours() {
  grep '^# first ' "$NEIGHBOURS" | while read -r _ _ first_host first_port; do
    first_until=$(($(seconds) + NEIGHBOUR_SECONDS))
    until connects "$first_host" "$first_port"; do
      [ "$(seconds)" -lt "$first_until" ] || { printf '%s' "$first_host:$first_port" >"$TMP/awaited"; exit 1; }
      sleep 2
    done
  done || fail "it waited $NEIGHBOUR_SECONDS s for $(cat "$TMP/awaited"), which it comes \`after\`, to take connections"
}

# A program reads its variables once. One that was told a port which is not so any more is started again; one service or host more or
# less is no reason to, since names answer as before.
follow_neighbours() {
  fetch_neighbours || return 0
  if cmp -s "$NEIGHBOURS.new" "$NEIGHBOURS"; then return 0; fi
  neighbours_lost=$(grep '_PORT=' "$NEIGHBOURS" | grep -vxF "$(cat "$NEIGHBOURS.new")")
  mv "$NEIGHBOURS.new" "$NEIGHBOURS"
  say 'other services have moved'
  if [ -n "$neighbours_lost" ] && [ -n "$RUN" ] && is_running; then
    say "$RUN is started again for that"
    kill "$running"
  fi
}
