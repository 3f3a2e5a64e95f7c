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
say "the data: Fashion-MNIST, 28x28 grey images in 10 classes"
slipway data add "$data" --name fashion
slipway data show fashion

say "two jobs in the queue, each data-parallel on 2 ranks"
mlp=$(slipway train mlp --data fashion --ranks 2 --name mlp --experiment demo)
cnn=$(slipway train cnn --data fashion --ranks 2 --name cnn --experiment demo)
slipway jobs
for line in "$mlp" "$cnn"; do
    printf '\n'
    slipway logs "$(echo "$line" | cut -f1)" -f
done
slipway jobs

say "what came out"
mlp_run=$(echo "$mlp" | cut -f3)
cnn_run=$(echo "$cnn" | cut -f3)
slipway compare "$mlp_run" "$cnn_run"
slipway compare "$mlp_run" "$cnn_run" --metric val_accuracy

say "the better run becomes a model version, judged on the test split"
best=$(slipway runs "run_id IN ('$mlp_run', '$cnn_run')" --order-by 'metrics.val_accuracy DESC' --limit 1 \
    --columns run_id 2>/dev/null | tail -n 1)
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
slipway --json target ls | grep -q '"demo"' || slipway target add demo "bundle:$store/bundle"
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
