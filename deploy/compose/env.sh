#!/bin/sh
# Makes what 'docker compose up' reads and the repository must not hold: .env
# with random secrets, and deploy/compose/providers.env for the credentials of
# LLM providers. Files that are there stay as they are.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$(dirname "$(dirname "$here")")}

# 24 random bytes in hexadecimal, behind a letter.
random() { printf 'k%s' "$(od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n')"; }

# Writes FILE from standard input, whole or not at all.
create() {
  if [ -e "$1" ]; then
    echo "$1 is there already; it stays as it is"
    cat >/dev/null
  else
    cat >"$1.new"
    mv "$1.new" "$1"
    echo "made $1"
  fi
}

while IFS= read -r line; do
  case $line in
  [A-Z]*RANDOM) printf '%s%s\n' "${line%RANDOM}" "$(random)" ;;
  *) printf '%s\n' "$line" ;;
  esac
done <"$here/.env.example" | create "$root/.env"

create "$root/deploy/compose/providers.env" <<'EOF'
# Variables that config.yaml names as os.environ/NAME, for example:
#OPENAI_API_KEY=sk-...
EOF
