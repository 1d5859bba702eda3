# Puts one model of Hugging Face into the Hub's cache below $HF_HOME. Arguments: the model, its revision (empty: the newest), and the
# packages to install where the image has no `hf`. What went wrong is the container's termination message, one line.
set -euo pipefail
model=$1 revision=$2
shift 2
seen=$(mktemp)

fail() {
  local status reason
  tr '\r' '\n' < "$seen" | grep -v '^[[:space:]]*$' > "$seen.lines" || true
  status=$(grep -oE '\b(401|403|404|429) (Client Error|Unauthorized|Forbidden|Not Found|Too Many Requests)' "$seen.lines" | tail -n 1 | cut -c1-3 || true)
  case $status in
    401) reason="HTTP 401: Hugging Face does not accept the token, or keeps $model from its user" ;;
    403) reason="HTTP 403: Hugging Face does not let the token's user read $model" ;;
    404) reason="HTTP 404: Hugging Face has no $model${revision:+ at revision $revision}" ;;
    429) reason="HTTP 429: Hugging Face limits how often $model may be asked for" ;;
    *) reason="$1: $(tail -n 1 "$seen.lines")" ;;
  esac
  echo "$reason" >&2
  echo "$reason" | cut -c1-1000 > "${TERMINATION_LOG:-/dev/termination-log}"
  exit 1
}

if ! command -v hf > /dev/null; then
  pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore "$@" 2>&1 | tee "$seen" || fail "pip install"
fi
hf download "$model" ${revision:+--revision "$revision"} 2>&1 | tee "$seen" || fail "hf download"
du -sh "$HF_HOME/hub"
