#!/bin/sh
# Starts Dask's workers on this machine: a process of one thread for each core.
#
#     DASK_TLS=/etc/recommender/dask deploy/dask/worker.sh tls://scheduler:8786
#
# DASK_WORKERS and DASK_WORKER_MEMORY say how many, and the memory of each; DASK_HOST the address of this machine
# at which the others reach them.
set -eu
. "$(dirname "$0")/dask.env"
exec dask worker "$1" --protocol tls --nworkers "${DASK_WORKERS:-auto}" --nthreads 1 \
    --memory-limit "${DASK_WORKER_MEMORY:-3GB}" --local-directory "${TMPDIR:-/tmp}" \
    --no-dashboard --dashboard-address 127.0.0.1:0 --death-timeout 60 ${DASK_HOST:+--host "$DASK_HOST"}
