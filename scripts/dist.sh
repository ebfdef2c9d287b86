#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Packs the program with its manual pages, shell completions and licences into one archive.

    scripts/dist.sh                                this machine's target
    scripts/dist.sh x86_64-unknown-linux-musl      one file for any Linux: linked statically

Writes target/dist/mlp-VERSION-TARGET.tgz and its SHA-256. Needs the Rust toolchain, and for another target than this
machine's `rustup target add TARGET`; for musl its C compiler, too (`musl-gcc`, in Debian's musl-tools).
TEXT
}

case ${1:-} in
-h | --help) usage && exit ;;
-*) usage >&2 && exit 2 ;;
esac
host=$(rustc -vV | sed -n 's/^host: //p')
target=${1:-$host}
version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=mlp-$version-$target
built=${CARGO_TARGET_DIR:-target}

MLP_COMMIT=$(git rev-parse --short HEAD 2>/dev/null || true)
export MLP_COMMIT
cargo build --release --locked --bin mlp --target "$target"

out=$built/dist
rm -rf "${out:?}/$name"
mkdir -p "$out/$name/completions"
cp "$built/$target/release/mlp" README.md LICENSE docs/licences.md "$out/$name"
mlp=$out/$name/mlp
"$mlp" man "$out/$name/man"
for shell in bash elvish fish powershell zsh; do
    "$mlp" completions "$shell" >"$out/$name/completions/mlp.$shell"
done
# The same commit makes the same archive.
when=$(git log -1 --format=%ct 2>/dev/null || echo 0)
tar -C "$out" --sort=name --mtime="@$when" --owner=0 --group=0 --numeric-owner -cf - "$name" | gzip -n9 >"$out/$name.tgz"
(cd "$out" && sha256sum "$name.tgz" | tee "$name.tgz.sha256")
