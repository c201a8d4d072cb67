#!/bin/sh
# Makes the Debian package from the source tarball, as a builder of packages would.
# Usage: deb.sh FOLDER [BUILD]; what BUILD holds already is packed instead of being built anew.
set -eu

folder=$(realpath -m "$1")
export TCPEEK_BUILT="${2:+$(realpath "$2")}"
cd "$(dirname "$0")/.."

rm -rf "$folder"
tarball=$(packaging/dist.sh "$folder")
tar --extract --file="$tarball" --directory="$folder"
source=${tarball%.tar.gz}
cp -R "$source/packaging/debian" "$source/debian"
python3 "$source/packaging/debian_files.py" "$source"
cd "$source"
dpkg-buildpackage --build=binary --no-sign
cd ..
rm -rf "$source"
echo "made $(ls "$folder"/tcpeek_*.deb)"
