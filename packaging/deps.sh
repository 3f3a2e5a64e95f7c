#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The one place that installs. `deps.sh build` gets what building and the demo need from apt; `deps.sh all` adds the
# tools and peers of the tests, and the pinned Python environments in a cache outside the tree. Nothing is fetched
# when everything is there, so a second run works offline. `deps.sh venv` prints where the environment of the tests is,
# `deps.sh venv-mlflow2` that of the older MLflow client.
set -eu
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/slipway-build

# The environment made from a file of pinned versions;
venv_of() { # file
    echo "$cache/python-$(sha256sum "$1" | cut -c1-12)"
}
venv=$(venv_of tests/requirements.txt)
venv_mlflow2=$(venv_of tests/requirements-mlflow2.txt)

build_packages="gcc make pkg-config git libc6-dev libncurses-dev libsqlite3-dev libyaml-dev libjansson-dev
  libmicrohttpd-dev libpng-dev libjpeg62-turbo-dev libssl-dev zlib1g-dev libarchive-dev openssh-client
  dataset-fashion-mnist"
test_packages="clang clang-tidy clang-format libclang-rt-14-dev cppcheck valgrind tmux python3 python3-venv
  libcmocka-dev mandoc shellcheck sqlite3 procps zsh fish tar curl"

install_apt() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "deps: missing packages:$missing" >&2
        echo "deps: run as root, or install them with: sudo apt-get install$missing" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # the list is meant to be split
    apt-get install -y -qq --no-install-recommends $missing
}

# Made under another name and moved when complete, so that an interrupted install is not taken for a whole one.
install_venv() { # folder, file
    [ -x "$1/bin/python" ] && return 0
    mkdir -p "$cache"
    rm -rf "$1.part"
    python3 -m venv "$1.part"
    "$1.part/bin/pip" install --quiet --disable-pip-version-check -r "$2"
    mv "$1.part" "$1"
    # Console scripts name their interpreter; call modules as `python -m NAME` instead of by script.
}

case ${1:-all} in
build)
    # shellcheck disable=SC2086
    install_apt $build_packages ;;
all)
    # shellcheck disable=SC2086
    install_apt $build_packages $test_packages
    install_venv "$venv" tests/requirements.txt
    install_venv "$venv_mlflow2" tests/requirements-mlflow2.txt ;;
venv) echo "$venv" ;;
venv-mlflow2) echo "$venv_mlflow2" ;;
*)
    echo "usage: deps.sh build|all|venv|venv-mlflow2" >&2
    exit 2 ;;
esac
