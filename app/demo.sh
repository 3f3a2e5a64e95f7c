#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole path on real data, without a question: describe Fashion-MNIST, train an MLP and a CNN (2 ranks each),
# compare them, evaluate the better one, register, approve under a policy, push a bundle. Uses a store of its own.
#   app/demo.sh PROGRAMS STORE
set -eu
programs=$1
store=$2
data=/usr/share/datasets/fashion-mnist
began=$(date +%s)

mkdir -p "$store"
store=$(cd "$store" && pwd)
slipway() { "$programs/slipway" --store "$store" "$@"; }
say() { printf '\n── %s\n' "$*"; }
field() { # one member of a JSON document on stdin: no tool needed beyond sed
    sed -n 's/.*"'"$1"'": *"\{0,1\}\([^",}]*\).*/\1/p' | head -n 1
}

say "the data: Fashion-MNIST, 28x28 grey images in 10 classes"
slipway data add "$data" --name fashion
slipway data show fashion

say "two jobs in the queue, each data-parallel on 2 ranks"
slipway train mlp --data fashion --ranks 2 --name mlp --experiment demo
slipway train cnn --data fashion --ranks 2 --name cnn --experiment demo
slipway jobs
mlp_job=$(slipway --json jobs | tr '{' '\n' | grep '"name": *"mlp"' | field job_id)
cnn_job=$(slipway --json jobs | tr '{' '\n' | grep '"name": *"cnn"' | field job_id)
slipway wait "$mlp_job"
slipway wait "$cnn_job"

say "what came out"
mlp_run=$(slipway --json jobs | tr '{' '\n' | grep "\"job_id\": *$mlp_job[,}]" | field run_id)
cnn_run=$(slipway --json jobs | tr '{' '\n' | grep "\"job_id\": *$cnn_job[,}]" | field run_id)
slipway compare "$mlp_run" "$cnn_run"
slipway compare "$mlp_run" "$cnn_run" --metric val_accuracy

say "the better run becomes a model version, judged on the test split"
best=$(slipway --json runs 'attributes.status = "FINISHED"' --order-by 'metrics.val_accuracy DESC' --limit 1 | field run_id)
slipway model register fashion --run "$best"
slipway model evaluate fashion --data fashion --split test

say "approval under a policy: accuracy >= 0.90 on the test split"
cat > "$store/release.yaml" <<'YAML'
apiVersion: slipway/v1
kind: Policy
metadata: {name: release}
gates:
  - metric: accuracy
    min: 0.90
    split: test
unsafe_files: refuse
approvals: {needed: 1, allow_author: true}
YAML
slipway model approve fashion --policy "$store/release.yaml" --comment "demo: the gate is met"

say "the handoff: an ONNX model with digests and a KServe InferenceService, as a bundle"
slipway target add demo "bundle:$store/bundle" 2>/dev/null || true
slipway push fashion --to demo --template kserve-inferenceservice --policy "$store/release.yaml" --yes
slipway status
slipway audit verify

elapsed=$(($(date +%s) - began))
say "done in $elapsed s"
cat <<TEXT
store    $store
bundle   $store/bundle

Next:
  $programs/slipway --store $store              the same in the terminal application
  $programs/slipway --store $store compare $mlp_run $cnn_run --all
  $programs/slipway help
TEXT
