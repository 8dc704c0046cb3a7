#!/usr/bin/env bash
# Runs the end-to-end tests, as root. Starts a Docker engine when none answers
# and ends it again. Arguments go to go test: e2e/run.sh -run TestSignals
set -euo pipefail
cd "$(dirname "$0")/.."

act_version=v0.2.89
act_dir=${XDG_CACHE_HOME:-$HOME/.cache}/oom143-e2e/act-$act_version
if [ ! -x "$act_dir/act" ]; then
	GOBIN=$act_dir go install "github.com/nektos/act@$act_version"
fi
export PATH=$act_dir:$PATH

if ! docker version >/dev/null 2>&1 && command -v dockerd >/dev/null; then
	trap 'e2e/docker.sh stop' EXIT
	DOCKER_HOST=$(e2e/docker.sh start)
	export DOCKER_HOST
fi

OOM143_E2E=1 go test -count=1 -timeout 8m -v "$@" ./e2e
