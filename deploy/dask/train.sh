#!/bin/sh
# Writes the ratings of the database as shards, trains on them with the workers of a scheduler, and publishes.
#
#     DASK_TLS=/etc/recommender/dask deploy/dask/train.sh tls://scheduler:8786 [FOLDER]
#
# FOLDER is new, and all workers reach it. What follows it are options of `recommender train`.
set -eu
. "$(dirname "$0")/dask.env"
scheduler=$1
shift
folder=${1:-${RECOMMENDER_DATASETS_DIR:-var/datasets}/shards-$(date -u +%Y%m%dT%H%M%SZ)}
[ $# -eq 0 ] || shift
recommender partition db "$folder"
exec recommender train --dask "$scheduler" --shards "$folder" "$@"
