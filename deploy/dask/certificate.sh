#!/bin/sh
# Makes what a scheduler, its workers and their clients know each other by: FOLDER/dask.pem and
# FOLDER/dask.key. Who has the key may run any code on the workers.
#
#     deploy/dask/certificate.sh /etc/recommender/dask
set -eu
folder=$1
umask 077
mkdir -p "$folder"
if [ -e "$folder/dask.key" ]; then
    echo "$folder/dask.key is there already" >&2
    exit 1
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 825 \
    -subj "/CN=recommender dask" -keyout "$folder/dask.key" -out "$folder/dask.pem" 2> /dev/null
