#!/bin/sh
# Starts the proxy, or checks its configuration with -c. A worker of a replica has 4 places for reads
# and 8 for writes (app/http/middleware/admission.py); it gets one more of each.
set -eu
export READS=$((5 * ${WORKERS:-1})) WRITES=$((9 * ${WORKERS:-1}))
exec haproxy "$@" -f "$(dirname "$0")/haproxy.cfg"
