#!/usr/bin/env bash
# A Docker engine for the end-to-end tests, and the base images that they need.
#
#   e2e/docker.sh start    start an engine of our own and print its DOCKER_HOST
#   e2e/docker.sh images   make the Dockerfile's base images that are missing
#   e2e/docker.sh stop     end that engine and remove all it has stored
#
# The images are made of what is on this machine (Go, its module cache, Debian's
# busybox-static) under the names that the Dockerfile gives, so that no registry
# is needed. An image that is there already is left alone.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
run=/run/oom143-e2e      # socket, process ids: short, a socket's path has at most 107 bytes
data=/var/lib/oom143-e2e # images and containers
socket=unix://$run/docker.sock

start() {
	stop
	mkdir -p "$run" "$data"
	# An iptables without nf_tables in the kernel refuses; the legacy one works there.
	local rules=$run/bin
	if ! iptables -w -t nat -L >/dev/null 2>&1 && command -v iptables-legacy >/dev/null; then
		mkdir -p "$rules"
		ln -sf "$(command -v iptables-legacy)" "$rules/iptables"
		ln -sf "$(command -v ip6tables-legacy)" "$rules/ip6tables"
	fi
	PATH=$rules:$PATH setsid dockerd --host "$socket" --data-root "$data" --exec-root "$run/exec" \
		--pidfile "$run/docker.pid" >"$run/dockerd.log" 2>&1 </dev/null &
	local deadline=$((SECONDS + 60))
	until DOCKER_HOST=$socket docker version >/dev/null 2>&1; do
		if ! kill -0 $! 2>/dev/null || ((SECONDS > deadline)); then
			tail -n 20 "$run/dockerd.log" >&2
			echo "docker.sh: dockerd does not answer; its last lines are above" >&2
			exit 1
		fi
		sleep 0.2
	done
	echo "$socket"
}

stop() {
	local pid
	if pid=$(cat "$run/docker.pid" 2>/dev/null) && grep -qs "$data" "/proc/$pid/cmdline"; then
		kill "$pid"
		timeout 30 tail --pid="$pid" -f /dev/null || kill -KILL "$pid"
	fi
	# What an engine that was killed has left behind: processes of its
	# containers, its containerd and shims, mounts.
	local container left
	for container in "$data"/containers/*; do
		[ -d "$container" ] || continue
		grep -lsF "/docker/${container##*/}" /proc/[0-9]*/cgroup | cut -d/ -f3 | xargs -r kill -KILL || true
	done
	for left in $(pgrep -f -- "^[^ ]*containerd[^ ]* .*$run/" || true); do
		kill -KILL "$left" 2>/dev/null || true
	done
	awk -v a="$run/" -v b="$data/" 'index($2 "/", a) == 1 || index($2 "/", b) == 1 {print $2}' /proc/mounts |
		sort -r | xargs -r umount -l
	rm -rf "$run" "$data"
}

images() {
	local name
	sed -n 's/^FROM \([^ ]*\).*/\1/p' "$root/Dockerfile" | while read -r name; do
		if docker image inspect "$name" >/dev/null 2>&1; then
			continue
		fi
		local rootfs
		rootfs=$(mktemp -d)
		case $name in
		busybox:*) shell "$rootfs" ;;
		golang:*) golang "$rootfs" ;;
		*)
			echo "docker.sh: no recipe for the base image $name" >&2
			exit 1
			;;
		esac
		pack "$rootfs" "$name"
		rm -rf "$rootfs"
	done
}

# pack ROOTFS NAME makes an image of a folder.
pack() {
	tar -C "$1" -c . | docker import \
		--change 'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
		--change 'ENV GOPATH=/go GOPROXY=off GOTOOLCHAIN=local' \
		--change 'CMD ["sh"]' - "$2" >/dev/null
	echo "docker.sh: made $2"
}

# program ROOTFS NAME copies a program to /bin, with the libraries it is linked to.
program() {
	install -D "$(command -v "$2")" "$1/bin/$2"
	local library
	for library in $(ldd "$1/bin/$2" 2>/dev/null | grep -o '/[^ ]*'); do
		install -D "$library" "$1$library"
	done
}

# shell ROOTFS fills a folder with a shell and the usual commands.
shell() {
	mkdir -p "$1/etc" "$1/root" "$1/usr/bin"
	install -d -m 1777 "$1/tmp"
	program "$1" busybox
	local applet
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
	done
	ln -s /bin/env "$1/usr/bin/env"
	echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"
	echo root:x:0: >"$1/etc/group"
}

# golang ROOTFS adds bash, this machine's Go and the modules of this project.
golang() {
	shell "$1"
	program "$1" bash
	mkdir -p "$1/usr/local/go" "$1/etc/ssl/certs"
	cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
	local goroot modules
	goroot=$(go env GOROOT)
	modules=$(go env GOMODCACHE)
	tar -C "$goroot" -c --exclude=./test --exclude=./doc --exclude=./api . | tar -C "$1/usr/local/go" -x
	(
		cd "$root"
		go mod download
		GOFLAGS=-modcacherw GOPROXY=file://$modules/cache/download GOMODCACHE=$1/go/pkg/mod go mod download
	)
}

case ${1-} in
start | stop | images) "$1" ;;
*)
	echo "usage: $0 start|images|stop" >&2
	exit 2
	;;
esac
