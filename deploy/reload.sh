#!/bin/sh
# Lets the proxy and Prometheus read their configuration, certificates and rules again, if these are
# valid; no request fails. The signal comes from inside: one that Docker sends would count as a stop.
set -eu
cd "$(dirname "$0")/.."

docker compose exec -T proxy sh /usr/local/etc/haproxy/start.sh -c -q
docker compose exec -T proxy sh -c 'kill -USR2 1'
if docker compose ps --status running --services | grep -qx prometheus; then
    docker compose exec -T prometheus promtool check config /etc/prometheus/prometheus.yml
    docker compose exec -T prometheus sh -c 'kill -HUP 1'
fi
