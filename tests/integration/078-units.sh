#!/bin/sh
# What an installation puts beside the programs: units (verified, and their exposure), the courier that a socket starts.
# shellcheck disable=SC2016 # what stands in single quotes is expanded by another shell
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs systemd-analyze systemd-socket-activate

# what is built is installed, and nothing is built again with other flags
stage=$work/stage
check 'a staged installation' 0 make -s -o all install DESTDIR="$stage" PREFIX=/usr BUILD="$BUILD"
units=$stage/usr/lib/systemd/system
[ -s "$stage/usr/etc/attestd/agent.yaml" ] || complain 'no agent.yaml'
for link in $(grep -o '](\([A-Za-z][^)]*\))' README.md | tr -d '()]'); do
    [ -e "$stage/usr/share/doc/attestd/$link" ] || complain "README names $link, which is not installed"
done

# H-01 of the hardening list: at most 1.5 where there is a network or a device
for u in attest-agent attest-sampler attest-courier@ attestd; do
    f=$work/exposure-$(echo $u | tr -d @).service
    cp "$units/$u.service" "$f"
    check "exposure of $u" 0 systemd-analyze security --offline=true --threshold=15 "$f"
    grep -h 'Overall exposure' "$work/out" | sed "s/.*for .*: \([0-9.]*\).*/$u: exposure \1/"
done
printf '[Service]\nExecStart=/bin/true\n' >"$work/bare.service"
check 'and a bare unit is over it' 1 systemd-analyze security --offline=true --threshold=15 "$work/bare.service"

# the programs that the units name are those of the stage; users are there where the package was installed
for u in "$units"/*; do sed -i "s,=/usr/,=$stage/usr/," "$u"; done
id attest-agent >/dev/null 2>&1 || sed -i '/^\(User\|Group\|SocketUser\|SocketGroup\)=/d' "$units"/*
check 'units' 0 systemd-analyze verify --man=no "$units/attest-agent.service" "$units/attest-courier.socket" \
    "$units/attest-sampler.service" "$units/attestd.service"
says_not 'Unknown'

# a courier that another process starts for each connection, as attest-courier.socket does
service_start
systemd-socket-activate --accept -l "$work/courier.socket" "$BUILD/attest-courier" --settings-follow >"$work/activate.log" 2>&1 &
pids="$pids $!"
service_wait "$work/courier.socket" $!
check 'an attestation by that courier' 0 "$BUILD/attest-agent" --config "$work/agent.yaml" --courier "$work/courier.socket" once
grep -q 'attest-courier' "$work/activate.log" || complain 'the courier was not started by the socket'
check 'nobody at the socket' 3 "$BUILD/attest-agent" --config "$work/agent.yaml" --courier "$work/none" once
says "cannot start $work/none"
printf '\0\0\0\7\205not it' >"$work/nonsense"
check 'nonsense ends the courier' 2 sh -c '"$1" --settings-follow 3<"$2"' sh "$BUILD/attest-courier" "$work/nonsense"
# completions, by bash itself
check 'completions' 0 env PATH="$BUILD:$PATH" LC_ALL=C bash tests/integration/078-completions
[ "$code" -eq 0 ] || cat "$work/out"

# the public pages behind nginx, which is not installed for this: it would serve port 80 of this machine
if command -v nginx >/dev/null && command -v curl >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -days 1 -keyout "$work/site.key" -out "$work/site.pem" 2>"$work/req.log"
    front=$((20000 + $$ % 10000))
    sed "s|/etc/ssl/certs/verifier.example.pem|$work/site.pem|; s|/etc/ssl/private/verifier.example.key|$work/site.key|
        s|/etc/ssl/certs/attestd-ca.pem|$work/verifier/ca.pem|; s|127.0.0.1:8443|127.0.0.1:$port|
        s|listen 443|listen 127.0.0.1:$front|; /listen \[::\]/d" dist/nginx/attestd.conf >"$work/site.conf"
    cat >"$work/nginx.conf" <<END
user root;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events {}
http {
    access_log off;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/f;
    uwsgi_temp_path $work/u;
    scgi_temp_path $work/s;
    include $work/site.conf;
}
END
    check 'nginx takes the site' 0 nginx -t -c "$work/nginx.conf"
    nginx -c "$work/nginx.conf" 2>"$work/nginx.err" &
    pids="$pids $!"
    curl -s -o "$work/page" --cacert "$work/site.pem" --retry 30 --retry-connrefused --retry-delay 1 "https://localhost:$front/" || true
    page() { curl -s -o "$work/page" -w '%{http_code}' --cacert "$work/site.pem" "$@"; }
    name='public pages'
    rows=$((rows + 1))
    [ "$(page "https://localhost:$front/log/checkpoint")" = 200 ] || complain "no log: $(cat "$work/nginx.log")"
    grep -q '^test-verifier' "$work/page" || complain 'no checkpoint of this log'
    [ "$(page "https://localhost:$front/status/v1/1")" = 200 ] || complain 'no status list'
    [ "$(page -X POST "https://localhost:$front/log/add-checkpoint")" = 403 ] || complain 'more than GET'
    for path in enrol/v1/begin challenge-response/v1/newSession admin/v1/devices healthz metrics; do
        [ "$(page "https://localhost:$front/$path")" = 404 ] || complain "/$path is passed on"
    done
else
    echo 'no nginx or no curl here: the site was not tried'
fi
finish
