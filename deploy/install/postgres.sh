#!/usr/bin/env bash
# Installs the programs of Postgres when there are none, through the package
# manager of the system. 'tianji standalone' and the tests start a private
# server from them; no system service is used.
set -euo pipefail

have() {
  [ -n "${DATABASE_URL:-}" ] && return 0
  command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1 && return 0
  local dir
  for dir in "${TIANJI_PG_BIN:-/nonexistent}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
    /usr/local/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
    [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && return 0
  done
  return 1
}

have && exit 0
echo "Postgres is not installed; installing it"
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }; then
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null || true
elif command -v brew >/dev/null 2>&1; then
  brew install postgresql@17 || true
fi
have && exit 0
cat >&2 <<'EOF'
Postgres could not be installed by itself. Do one of these and try again:
  - install it:   apt-get install postgresql     (Debian, Ubuntu; as root)
                  brew install postgresql@17     (macOS)
  - or set TIANJI_PG_BIN to the folder that holds initdb and postgres
  - or set DATABASE_URL to a Postgres that is running (for 'make run')
EOF
exit 1
