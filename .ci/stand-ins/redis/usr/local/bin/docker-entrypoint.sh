#!/bin/bash
# The entrypoint of the stand-in for redis:8: options go to redis-server, which does not run as root; any other command
# runs as given.
set -euo pipefail

case "${1-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown -R redis:redis .
    exec setpriv --reuid redis --regid redis --clear-groups "$0" "$@"
fi
exec "$@"
