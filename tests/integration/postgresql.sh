# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# A PostgreSQL of the script's own; source it after common.sh.
#
#   postgresql_start   $conninfo; the server goes when the script ends
#   psql_run SQL       behind the service's back
postgresql_start() {
    chmod 0711 "$work"
    conninfo="host=$work/pg/socket dbname=postgres user=attestd"
    code=0
    tests/support/pgserver start "$work/pg" $$ >"$work/pg.log" 2>&1 || code=$?
    [ "$code" -ne 77 ] || skip "$(cat "$work/pg.log")"
    [ "$code" -eq 0 ] || {
        cat "$work/pg.log" "$work/pg/initdb.log" "$work/pg/data/server.log"
        exit 1
    }
}

# In order, and waited for: a server whose folder goes first lives on until it notices.
end_servers() {
    [ ! -d "$work/pg/data" ] || tests/support/pgserver remove "$work/pg" >/dev/null 2>&1 || true
}

psql_run() {
    psql -q -v ON_ERROR_STOP=1 "$conninfo" -c "$1" >"$work/psql.log" 2>&1 || {
        cat "$work/psql.log"
        exit 1
    }
}
