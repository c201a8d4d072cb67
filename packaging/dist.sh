#!/bin/sh
# Packs the sources into tcpeek-VERSION.tar.gz, which builds without git. Usage: dist.sh FOLDER
# The same sources give the same bytes. Works in a clone and in what such a tarball unpacks to.
set -eu

folder=$1
cd "$(dirname "$0")/.."
version=$(sed -n 's/^project(tcpeek VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=tcpeek-$version

# What git knows of; without git everything but what was built.
files() {
    if [ -e .git ]; then
        git ls-files
    else
        find . -path ./build -prune -o -path ./config.mk -o -name __pycache__ -prune \
            -o ! -type d -print | sed 's|^\./||'
    fi
}

# One time for all: that of the last commit, or what the unpacked files have.
if [ -e .git ]; then
    time=@$(git log -1 --format=%ct)
else
    time=@$(stat -c %Y CMakeLists.txt)
fi

mkdir -p "$folder"
files | LC_ALL=C sort | while read -r file; do
    # One that is removed, but not from git yet.
    if [ -e "$file" ]; then echo "$file"; fi
done | tar --create --files-from=- --transform="s|^|$name/|" --mtime="$time" --owner=0 --group=0 \
    --numeric-owner --mode=u=rwX,go=rX --format=ustar | gzip -9n >"$folder/$name.tar.gz"
echo "$folder/$name.tar.gz"
