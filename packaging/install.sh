#!/bin/sh
# Installs what BUILD holds, or removes exactly that again. Usage: install.sh install|uninstall BUILD
# Where to is said by the variables of the Makefile, which calls this, as does the Debian package.
set -eu

action=$1
build=$2
: "${DESTDIR=}" "${PREFIX=/usr/local}"
: "${SBINDIR=$PREFIX/sbin}" "${BINDIR=$PREFIX/bin}" "${SYSCONFDIR=/etc}"
: "${DATADIR=$PREFIX/share}"
: "${MANDIR=$DATADIR/man}" "${DOCDIR=$DATADIR/doc/tcpeek}"
: "${BASHCOMPDIR=$DATADIR/bash-completion/completions}"
: "${ZSHCOMPDIR=$DATADIR/zsh/site-functions}"
: "${FISHCOMPDIR=$DATADIR/fish/vendor_completions.d}"
: "${UNITDIR=$PREFIX/lib/systemd/system}" "${SYSUSERSDIR=$PREFIX/lib/sysusers.d}"

cd "$(dirname "$0")/.."

# One a line: the kind (program, file, unit, setting), the source, the destination.
list() {
    echo "program $build/tcpeek $SBINDIR/tcpeek"
    echo "program $build/tcpeekstat $BINDIR/tcpeekstat"
    for language in . ja; do
        echo "file $build/pages.d/$language/tcpeek.8 $MANDIR/$language/man8/tcpeek.8"
        echo "file $build/pages.d/$language/tcpeekstat.1 $MANDIR/$language/man1/tcpeekstat.1"
    done
    for program in tcpeek tcpeekstat; do
        echo "file $build/pages.d/$program.bash $BASHCOMPDIR/$program"
        echo "file $build/pages.d/_$program $ZSHCOMPDIR/_$program"
        echo "file $build/pages.d/$program.fish $FISHCOMPDIR/$program.fish"
    done
    for unit in tcpeek.service tcpeek@.service; do
        echo "unit packaging/systemd/$unit.in $UNITDIR/$unit"
    done
    echo "file packaging/systemd/sysusers.conf $SYSUSERSDIR/tcpeek.conf"
    echo "setting packaging/systemd/default $SYSCONFDIR/default/tcpeek"
    # In their folders, so that the links between them hold.
    for document in README.md README.ja.md CHANGELOG.md SECURITY.md docs/*.md docs/schema/* \
        packaging/prometheus/* packaging/grafana/* packaging/ganglia/* packaging/kubernetes/*; do
        echo "file $document $DOCDIR/$document"
    done
}

# The unit names where the program and its setting lie.
unit_text() {
    sed -e "s|@SBINDIR@|$SBINDIR|" -e "s|@SYSCONFDIR@|$SYSCONFDIR|" "$1"
}

put() {
    target=$DESTDIR$3
    install -d "$(dirname "$target")"
    case $1 in
        program) install -m 0755 "$2" "$target" ;;
        file) install -m 0644 "$2" "$target" ;;
        unit) unit_text "$2" | install -m 0644 /dev/stdin "$target" ;;
        setting)
            if [ -e "$target" ]; then
                echo "$target is there already and stays as it is"
            else
                install -m 0644 "$2" "$target"
            fi
            ;;
    esac
}

# A setting that somebody changed is theirs.
take_away() {
    target=$DESTDIR$3
    if [ "$1" = setting ] && [ -e "$target" ] && ! cmp -s "$2" "$target"; then
        echo "$target was changed and stays"
        return
    fi
    rm -f "$target"
    case $3 in
        "$DOCDIR"/*) remove_empty "$(dirname "$3")" ;;
    esac
}

# The folders of the documents are ours alone; the others are the system's.
remove_empty() {
    folder=$1
    while [ "$folder" != "$(dirname "$DOCDIR")" ] && rmdir "$DESTDIR$folder" 2>/dev/null; do
        folder=$(dirname "$folder")
    done
}

case $action in
    install) step=put ;;
    uninstall) step=take_away ;;
    *)
        echo "install.sh: '$action' is neither install nor uninstall" >&2
        exit 2
        ;;
esac
list | while read -r kind source destination; do
    # `.` as language is no folder.
    $step "$kind" "$source" "$(echo "$destination" | sed 's|/\./|/|')"
done
if [ "$action" = install ] && [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; then
    echo "for the service: systemd-sysusers && systemctl daemon-reload && systemctl enable --now tcpeek"
fi
