#!/bin/bash
# The entrypoint of the stand-in for mysql:9: at the first start a temporary server, which no port leads to, makes the
# users and the database that the environment asks for; then the real one takes its place. mysqld does not run as root.
# Any command other than mysqld runs as given.
set -euo pipefail
shopt -s nullglob

fail() {
    echo "stand-in for mysql:9: $1" >&2
    exit 1
}

# The value of MYSQL_…, or the text of the file that MYSQL_…_FILE names: a secret can come either way.
setting() {
    local file="$1_FILE"
    if [ -n "${!file-}" ]; then
        printf %s "$(<"${!file}")"
    else
        printf %s "${!1-}"
    fi
}

# A text as a string of SQL.
string() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

everything_asked_for() {
    local password host database user
    password=$(setting MYSQL_ROOT_PASSWORD)
    host=${MYSQL_ROOT_HOST-%}
    database=$(setting MYSQL_DATABASE)
    user=$(setting MYSQL_USER)
    echo "SET @@SESSION.SQL_LOG_BIN = 0;"
    echo "ALTER USER root@localhost IDENTIFIED BY $(string "$password");"
    if [ -n "$host" ] && [ "$host" != localhost ]; then
        echo "CREATE USER root@$(string "$host") IDENTIFIED BY $(string "$password");"
        echo "GRANT ALL ON *.* TO root@$(string "$host") WITH GRANT OPTION;"
    fi
    if [ -n "$user" ]; then
        echo "CREATE USER $(string "$user")@'%' IDENTIFIED BY $(string "$(setting MYSQL_PASSWORD)");"
    fi
    if [ -n "$database" ]; then
        echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
        if [ -n "$user" ]; then
            echo "GRANT ALL ON \`${database//_/\\_}\`.* TO $(string "$user")@'%';"
        fi
        echo "USE \`$database\`;"
    fi
    cat /dev/null /docker-entrypoint-initdb.d/*.sql
}

first_start() {
    local server
    if [ -z "$(setting MYSQL_ROOT_PASSWORD)" ] && [ -z "${MYSQL_ALLOW_EMPTY_PASSWORD-}" ]; then
        fail "no MYSQL_ROOT_PASSWORD, and no MYSQL_ALLOW_EMPTY_PASSWORD to say that root is to have none"
    fi
    # With native asynchronous IO each of the two takes half a second longer to end, and that is waiting only.
    "$@" --innodb-use-native-aio=OFF --initialize-insecure
    "$@" --innodb-use-native-aio=OFF --skip-networking --mysqlx=OFF &
    server=$!
    until mysql --user=root --execute="DO 0" 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || fail "the temporary server ended before it was ready"
        sleep 0.02
    done
    everything_asked_for | mysql --user=root || fail "users and database could not be made"
    kill "$server"
    wait "$server" || fail "the temporary server failed"
}

case "${1-}" in
    -*) set -- mysqld "$@" ;;
esac
if [ "${1-}" = mysqld ]; then
    if [ "$(id -u)" = 0 ]; then
        chown -R mysql:mysql /var/lib/mysql /var/run/mysqld
        exec setpriv --reuid mysql --regid mysql --clear-groups "$0" "$@"
    fi
    if [ ! -d /var/lib/mysql/mysql ]; then
        first_start "$@"
    fi
fi
exec "$@"
