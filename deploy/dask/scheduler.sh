#!/bin/sh
# Starts Dask's scheduler, which hands out the work; it needs one core and a gigabyte.
#
#     DASK_TLS=/etc/recommender/dask deploy/dask/scheduler.sh
set -eu
. "$(dirname "$0")/dask.env"
exec dask scheduler --protocol tls --port "${DASK_PORT:-8786}" --host "${DASK_HOST:-0.0.0.0}" \
    --no-dashboard --dashboard-address 127.0.0.1:0
