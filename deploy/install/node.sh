#!/usr/bin/env bash
# Installs Node.js when there is none: a test calls the gateway through the
# official JavaScript SDK.
set -euo pipefail
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && exit 0
echo "Node.js is not installed; installing it"
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }; then
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null || true
elif command -v brew >/dev/null 2>&1; then
  brew install node || true
fi
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && exit 0
echo "Node.js could not be installed by itself: install nodejs and npm (version 18 or later), then try again." >&2
exit 1
