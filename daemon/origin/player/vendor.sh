#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetches what package-lock.json names (npm checks the hashes in it) and copies
# the player library and its licence out.
#
#     vendor.sh SOURCE_DIR WORK_DIR OUT_LIBRARY OUT_LICENCE
set -eu

mkdir -p "$2"
cp "$1/package.json" "$1/package-lock.json" "$2/"
(cd "$2" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 || {
  echo "vendor.sh: npm could not fetch hls.js for the player page; without a" \
    "network configure with -Dplayer=disabled" >&2
  exit 1
}
# The page has no source map beside the library.
sed '/^\/\/# sourceMappingURL=/d' "$2/node_modules/hls.js/dist/hls.min.js" >"$3"
cp "$2/node_modules/hls.js/LICENSE" "$4"
