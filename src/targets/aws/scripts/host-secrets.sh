# Variables whose values are kept in Secrets Manager or the Parameter Store. They are read at each start of the machine, by the host's
# own role, and stay in memory.

# fetch_value <secret or parameter> <its name>: as JSON, since text would not say where a value ends.
fetch_value() {
  case $1 in
    secret) set -- secretsmanager get-secret-value --secret-id "$2" --query SecretString ;;
    *) set -- ssm get-parameter --name "$2" --with-decryption --query Parameter.Value ;;
  esac
  timeout 60 aws "$@" --region "$REGION" --output json >"$NOW/secret" 2>"$TMP/secret.out"
}

# obtain_secrets: as a file that the shell reads, for root alone. `secrets` prints a line for each: variable, kind, name, key.
obtain_secrets() {
  (umask 077 && : >"$NOW/secret" && : >"$NOW/secrets.sh")
  while read -r secret_variable secret_kind secret_name secret_key; do
    [ -n "$secret_variable" ] || continue
    secret_is="the $secret_kind $secret_name of the variable $secret_variable"
    retry 10 6 fetch_value "$secret_kind" "$secret_name" </dev/null ||
      fail "$secret_is cannot be read: $(tail_of "$TMP/secret.out" 3)"
    python3 -c '
import json, shlex, sys
variable, key = sys.argv[1:]
value = json.load(sys.stdin)
if not isinstance(value, str): sys.exit("it is binary, not text")
try: values = json.loads(value) if key else {}
except ValueError: sys.exit("it is no JSON, so it has no key " + key)
if not isinstance(values, dict): sys.exit("it is no JSON object, so it has no key " + key)
if key and key not in values: sys.exit("it has no key %s, but %s" % (key, ", ".join(values) or "none"))
if key: value = values[key] if isinstance(values[key], str) else json.dumps(values[key])
if "\0" in value: sys.exit("it holds a NUL, which no variable can")
print("export %s=%s" % (variable, shlex.quote(value)))
' "$secret_variable" "$secret_key" <"$NOW/secret" >>"$NOW/secrets.sh" 2>"$TMP/secret.out" ||
      fail "$secret_is is not what it must be: $(tail_of "$TMP/secret.out" 1)"
  done <<END
$(secrets)
END
  rm -f "$NOW/secret"
}
