#!/bin/sh
# Upgrades the stack of compose.yaml, or gives it changed settings, one replica after the other: no
# request fails. Safe to run again after a failure.
#
#     git pull && deploy/upgrade.sh       (--pull takes images from RECOMMENDER_REGISTRY in place of a build)
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }
running() { docker compose ps --status running --services | grep -qx "$1"; }

step "A back-up, by the version that runs"
container=retraining
running $container || container=backup
docker compose exec -T $container recommender backup /var/lib/recommender/backups

step "The new images"
if [ "${1:-}" = --pull ]; then
    docker compose pull --quiet secrets service-a
else
    RECOMMENDER_REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" docker compose build
fi

step "The database, which the version that runs goes on to use"
docker compose up --detach --no-deps --wait database
docker compose run --rm --no-deps -T prepare

for replica in service-a service-b; do
    step "$replica"
    docker compose up --detach --no-deps --wait "$replica"
done

step "Everything else"
docker compose up --detach --wait
deploy/reload.sh
step "Done"
