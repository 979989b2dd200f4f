#!/usr/bin/env bash
# Loses nodes of a run in every way that docs/cluster.md names, again and again, and compares fingerprints with one thread's.
#   lose-nodes.sh kill|stop|restart|cut [TIMES]
# kill: SIGKILL of a random node of three, at a random moment. stop: SIGSTOP of one for 60 s. restart: SIGTERM and a new start
# of all nodes, one after another. cut: three nodes in network namespaces (needs root), one of them cut off.
# PROGRAM: the built clusterswap.dll; by default that of the Release build. PASSES: length of the run (restart: 10, else 2).
# A moment is a number of checkpoints and a fraction of a second, so that it lies within the run however busy the machine is.
set -uo pipefail
what=${1:?kill, stop, restart or cut}
times=${2:-1}
case $what in restart) passes=${PASSES:-10} ;; *) passes=${PASSES:-2} ;; esac
here=$(cd "$(dirname "$0")/../.." && pwd)
program=${PROGRAM:-$here/src/ClusterSwap.Cli/bin/Release/net10.0/clusterswap.dll}
work=$(mktemp -d)
finish() {
    for id in $(jobs -p); do kill -KILL "$id" 2>/dev/null; done
    [ "$what" = cut ] && remove_namespaces
    [ "${KEEP:-}" ] && echo "kept: $work" || rm -rf "$work"
}
trap finish EXIT
cd "$work"

# Four racks that hear from one machine 20 ms away: windows enough, and small enough for a minute.
scenario=("$here/config/racks-shared.toml" --set 'barrier_interval="100 ms"' --set 'blade.background.tcp_distance="20 ms"'
    --set blade.passes=$passes --set 'blade.ram=64 MiB' --set 'blade.mapping=256 MiB' --set 'blade.swap=640 MiB' --set 'blade.page_cache=8 MiB'
    --set 'blade.kernel_resident=6 MiB' --set blades.rack-1.count=1 --set blades.rack-2.count=1
    --set blades.rack-3.count=1 --set blades.rack-4.count=1)
swap() { dotnet "$program" "$@"; }
word() { sed -n "s/.*\"$1\": *\"*\([0-9a-z]*\).*/\1/p" "$2" | head -1; }

swap run "${scenario[@]}" --quiet --journal off --json one.json >one.out || { echo "one thread: exit $?"; exit 1; }
one=$(word fingerprint one.json)
echo "one thread: $one"

judge() { # name, exit status
    local got
    got=$(word fingerprint "$1.json" 2>/dev/null)
    if [ "$2" = 0 ] && [ "$got" = "$one" ]; then
        local epochs; epochs=$(word epochs "$1.json")
        [ "$epochs" -gt 1 ] && lost=$((lost + 1))
        echo "$1: the same, epochs $epochs, $SECONDS s"
    else
        echo "$1: exit $2, fingerprint ${got:-none} (DIFFERENT)"; tail -5 "$1.out"; failures=$((failures + 1))
    fi
}

await_file() { for _ in $(seq 600); do [ -s "$1" ] && return; sleep 0.1; done; echo "$1 never came"; exit 1; }
begins() { for _ in $(seq 600); do grep -qs "Epoch 1 begins" runs/*/clusterswap.log && return; sleep 0.1; done; echo "the run never began"; exit 1; }
random_moment() { # waits for one of the run's first ten checkpoints, or for its end
    local checkpoint=$((RANDOM % 10))
    for _ in $(seq 3000); do
        [ "$(cat runs/*/clusterswap.log 2>/dev/null | grep -c "Checkpoint at")" -ge "$checkpoint" ] && break
        kill -0 "$1" 2>/dev/null || return
        sleep 0.1
    done
    sleep "0.$((RANDOM % 10))"
}
random_child() { pgrep -P "$1" | shuf -n 1; }

lose_local() { # name, signal: a node that run --nodes started
    rm -rf runs; SECONDS=0
    dotnet "$program" run "${scenario[@]}" --nodes 3 --checkpoint-every "200 ms" --json "$1.json" >"$1.out" 2>&1 &
    local run=$!
    begins
    random_moment "$run"
    local child; child=$(random_child "$run")
    if [ -n "$child" ]; then
        kill -"$2" "$child"
        [ "$2" = STOP ] && { sleep 60; kill -CONT "$child" 2>/dev/null; }
    fi
    wait "$run"; judge "$1" $?
    sleep 2; pgrep -f "$work" >/dev/null && { echo "$1: processes are left"; pgrep -af "$work"; failures=$((failures + 1)); }
}

node() { # number, arguments: in the background, its address in n$1.ready
    rm -f "n$1.ready"
    ${NS[$1]:-} dotnet "$program" node --ready-file "n$1.ready" --log-file "n$1.log" "${@:2}" >/dev/null 2>"n$1.err" &
    nodes[$1]=$!
}
declare -A nodes NS
address() { sed 's/.*@//' "n$1.ready"; }

restart_all() { # name
    SECONDS=0; rm -rf runs
    node 1; await_file n1.ready
    node 2 --seed-node "$(address 1)"; node 3 --seed-node "$(address 1)"
    await_file n2.ready; await_file n3.ready
    dotnet "$program" run "${scenario[@]}" --join "$(address 1)" --join "$(address 2)" --nodes 3 --journal off \
        --checkpoint-every "200 ms" --json "$1.json" >"$1.out" 2>&1 &
    local run=$!; begins
    for i in 1 2 3; do
        local other=$((i % 3 + 1))
        kill -TERM "${nodes[$i]}"; wait "${nodes[$i]}"
        node "$i" --seed-node "$(address $other)"; await_file "n$i.ready"
    done
    wait "$run"; judge "$1" $?
    for i in 1 2 3; do kill -TERM "${nodes[$i]}"; wait "${nodes[$i]}"; done
}

remove_namespaces() { for i in 0 1 2 3; do ip netns del "cs$i" 2>/dev/null; done; ip link del csbr 2>/dev/null; }
make_namespaces() {
    remove_namespaces
    ip link add csbr type bridge && ip link set csbr up || { echo "network namespaces need root"; exit 1; }
    for i in 0 1 2 3; do
        ip netns add "cs$i"; ip link add "csv$i" type veth peer name eth0 netns "cs$i"
        ip link set "csv$i" master csbr up
        ip -n "cs$i" addr add "10.77.0.1$i/24" dev eth0; ip -n "cs$i" link set eth0 up; ip -n "cs$i" link set lo up
    done
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=ca 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -keyout n.key -out n.csr -subj /CN=node 2>/dev/null
    openssl x509 -req -in n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out n.pem 2>/dev/null
}
tls=(--tls-cert n.pem --tls-key n.key --tls-ca ca.pem)

cut_off() { # name: node 3 is cut off from all others while the run goes on
    SECONDS=0; rm -rf runs
    for i in 1 2 3; do NS[$i]="ip netns exec cs$i"; done
    node 1 --bind 10.77.0.11:4053 "${tls[@]}"; await_file n1.ready
    node 2 --bind 10.77.0.12:4053 --seed-node 10.77.0.11:4053 "${tls[@]}"; await_file n2.ready
    node 3 --bind 10.77.0.13:4053 --seed-node 10.77.0.11:4053 "${tls[@]}"; await_file n3.ready
    ip netns exec cs0 dotnet "$program" run "${scenario[@]}" --join 10.77.0.11:4053 --bind 10.77.0.10 --nodes 3 \
        --journal off --checkpoint-every "200 ms" "${tls[@]}" --json "$1.json" >"$1.out" 2>&1 &
    local run=$!; begins
    random_moment "$run"
    ip link set csv3 down
    wait "$run"; judge "$1" $?
    wait "${nodes[3]}"; echo "$1: the node that was cut off ended with exit status $?"
    ip link set csv3 up
    for i in 1 2; do kill -TERM "${nodes[$i]}"; wait "${nodes[$i]}"; done
}

failures=0
lost=0
[ "$what" = cut ] && make_namespaces
for ((time = 1; time <= times; time++)); do
    case $what in
        kill) lose_local "kill-$time" KILL ;;
        stop) lose_local "stop-$time" STOP ;;
        restart) restart_all "restart-$time" ;;
        cut) cut_off "cut-$time" ;;
        *) echo "kill, stop, restart or cut"; exit 64 ;;
    esac
done
echo "$what: $((times - failures)) of $times the same; $lost lost a node in the middle"
[ "$failures" = 0 ]
