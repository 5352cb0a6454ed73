#!/usr/bin/env bash
# The run that made release 0.2.0. It goes on from the checkpoint that first.sh leaves, with a bank twice as large, what a
# recogniser makes of it, and plain sentences. Needs `pip install -e '.[train]'`, the base model (tako models fetch
# gemma-3-270m) and the data folder. About 100 minutes, an hour of them on one core, the rest on two.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

home=${TAKO_HOME:-$HOME/.local/share/tako}
data=${DATA:-../shared/data}
start=${START:-runs/first/checkpoint.pt}
out=${OUT:-runs/third}
base=$home/models/gemma-3-270m/gemma-3-270m-q4_k_m.gguf
mkdir -p "$out"

python -m training.graph --out models/text
# The draws came as the bank was being written: most of *_e, *_f, *_g.txt for the first, the rest of them, *_real.txt and
# second readers' repairs for the second, *_h, *_i.txt for the third, signs and addresses in messages (`style.sign`) for
# the fourth, repairs of *_h, *_i.txt for the last. So a new run will not give the same model.
stages=("11 0.25" "12 0.49" "13 0.67" "14 1.34" "15 2") # seed, hours of the whole run after which the next draw begins
for stage in "${stages[@]}"; do
    read -r seed until <<<"$stage"
    python -m training.data.generate --count 70000 --seed "$seed" --data "$data" --out "$out/train$seed.jsonl"
    python -m training.functional --base "$base" --train "$out/train$seed.jsonl" --out "$out" --start "$start" \
        --rank 64 --batch 32 --lr 3e-4 --lr-rows 1e-3 --epochs 3.5 --hours 1.67 --until "$until"
done
# two label errors of the generator were mended here, and ten minutes more taught them ("fourth" in LOG.md)
start=$out/checkpoint.pt out=$out/fourth
mkdir -p "$out"
python -m training.data.generate --count 40000 --seed 16 --data "$data" --out "$out/train16.jsonl"
python -m training.functional --base "$base" --train "$out/train16.jsonl" --out "$out" --start "$start" \
    --rank 64 --batch 32 --lr 1.2e-4 --lr-rows 3e-4 --hours 0.17

python -m training.export --checkpoint "$out/checkpoint.pt" --version 0.2.0
# the drafter that ships learned from the third draw; it depends on the vocabulary, not on the change
python -m training.draft --base "$base" --train "$out/../train13.jsonl" --release models/text
tako models build
python -m training.calibrate --bundle "$home/models/text" --data "$data" --wrong 2
python -m training.parity --base "$base" --checkpoint "$out/checkpoint.pt" --bundle "$home/models/text"
python -m training.evaluate --bundle "$home/models/text" --base "$base" --data "$data" --errors "$out/errors.tsv" \
    --json "$out/scores.json" --plots docs/plots
