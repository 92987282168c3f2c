# The Debian package: built, checked, installed into a root that contains only its dependencies, run
# there, and purged.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load ../e2e/lib

# Set by lib.bash or by the caller.
: "${top_srcdir:?}" "${top_builddir:?}"
MIRROR=http://deb.debian.org/debian

setup_file() {
	# tests/run runs the tests of the tree.
	DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
		make -s -C "$top_builddir" deb >"$BATS_FILE_TMPDIR/build.log" 2>&1 || {
		tail -n 40 "$BATS_FILE_TMPDIR/build.log"
		return 1
	}
}

setup() {
	local packages=("$top_builddir"/deb/collectd-dynmon_*.deb)

	PACKAGE=${packages[0]}
	ROOT=$BATS_FILE_TMPDIR/root
}

teardown() {
	[ -z "${COLLECTD:-}" ] || collectd_kill
	network_down
}

@test "lintian has nothing to say" {
	# The package is not meant for Debian's own archive.
	run -0 lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
		"$top_builddir"/deb/collectd-dynmon_*.changes
	run ! grep -E '^[EW]:' <<<"$output"
}

@test "version, and collectd's, are those it was built with" {
	version=$(sed -n 's/^AC_INIT(\[collectd-dynmon\], \[\(.*\)\])$/\1/p' "$top_srcdir/configure.ac")
	[ "$(dpkg-deb -f "$PACKAGE" Version)" = "$version-1" ]
	minor=$(dpkg-query -W -f '${Version}' collectd-dev | grep -oE '^[0-9]+\.[0-9]+')
	[[ $(dpkg-deb -f "$PACKAGE" Depends) == *"collectd-core (>= $minor), collectd-core (<< "* ]]
}

# configure builds without an optional library that is missing; the package must have all of them.
@test "it is built with the libraries that bootstrap installs" {
	libraries=$(sed -n '/^build_packages=/,/"$/p' "$top_srcdir/bootstrap" | tr -s '"= \t' '\n' |
		grep -xE '(lib.*|collectd)-dev' | grep -vx libc6-dev)
	[ -n "$libraries" ]
	for library in $libraries; do
		grep -Eqx " $library,?" "$top_srcdir/conf/debian/control" || { echo "Build-Depends: $library is missing"; return 1; }
	done
	[[ $(dpkg-deb -f "$PACKAGE" Depends) == *libncursesw* ]] # dynmonctl top
	[[ $(dpkg-deb -f "$PACKAGE" Depends) == *libyaml* ]]     # dynmonctl import
}

@test "it has what make install has" {
	dpkg-deb --fsys-tarfile "$PACKAGE" | tar -t | sed 's|^\./||; s|\.gz$||' >"$BATS_TEST_TMPDIR/files"
	while read -r file; do
		grep -Fxq "$file" "$BATS_TEST_TMPDIR/files" || { echo "missing: $file"; return 1; }
	done <"$top_srcdir/tests/installed.txt"
}

in_root() { chroot "$ROOT" "$@"; }

# All installed or generated files, except those of dpkg.
files() { (cd "$ROOT" && find etc usr var run ! -type d ! -path 'var/lib/dpkg/*' ! -path 'var/log/*' ! -path 'var/cache/*' | sort); }

# Starts the collectd of the root in $NEAR. $! is the process of collectd.
root_start() {
	LOG=$ROOT/var/log/collectd.log DIR=$BATS_TEST_TMPDIR
	# shellcheck disable=SC2016 # the inner shell expands it
	ip netns exec "$NEAR" unshare --mount sh -ec '
		mount -t proc proc "$1/proc"
		mount -t sysfs sysfs "$1/sys"
		mount -t bpf bpf "$1/sys/fs/bpf"
		exec chroot "$1" collectd -f' sh "$ROOT" >"$DIR/collectd.out" 2>&1 3>&- &
	COLLECTD=$!
	eventually grep -q 'dynmon: version .* is ready' "$LOG" || { cat "$DIR/collectd.out" "$LOG"; return 1; }
}

@test "installed into a clean root it loads and counts; purged it leaves nothing" {
	need_root
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	curl -sSfI --retry 3 --max-time 60 "$MIRROR/dists/$suite/Release" >/dev/null || skip "$MIRROR cannot be reached"
	# Without apt, so that a dependency that the package does not declare is missing.
	mmdebstrap --mode=root --variant=essential --dpkgopt=force-unsafe-io --aptopt='Acquire::Retries "10"' \
		--include="$(dpkg-deb -f "$PACKAGE" Depends | sed 's/([^)]*)//g; s/[[:space:]]//g')" \
		"$suite" "$ROOT" "$MIRROR" >"$BATS_TEST_TMPDIR/root.log" 2>&1 || { tail "$BATS_TEST_TMPDIR/root.log"; return 1; }
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod 755 "$ROOT/usr/sbin/policy-rc.d"
	cat >"$ROOT/etc/collectd/collectd.conf" <<-'EOF'
	Hostname "host"
	LoadPlugin logfile
	<Plugin logfile>
	  File "/var/log/collectd.log"
	  LogLevel "info"
	</Plugin>
	<Include "/etc/collectd/collectd.conf.d">
	  Filter "*.conf"
	</Include>
	EOF
	mkdir "$ROOT/etc/collectd/collectd.conf.d"
	before=$(files)
	cp "$PACKAGE" "$ROOT/package.deb"
	in_root dpkg -i /package.deb
	in_root dpkg -s collectd-dynmon | grep -Fx 'Status: install ok installed'

	# The unmodified snippet loads the plugin and monitors nothing.
	cp "$ROOT/usr/share/doc/collectd-dynmon/conf/collectd.conf" "$ROOT/etc/collectd/collectd.conf.d/dynmon.conf"
	in_root collectd -t
	# This root has no compiler; a dataplane compiled elsewhere runs.
	"$top_builddir/dynmonctl" compile --compiler="$DYNMON_CC" --include="$DYNMON_BPFDIR" \
		"$top_srcdir/examples/packet_counter.json" -o "$ROOT/etc/collectd/dynmon.d/packet_counter.o"
	network_up
	root_start
	[ "$(in_root dynmonctl list)" = "no monitors" ]
	in_root dynmonctl inject edge mon0 /etc/collectd/dynmon.d/packet_counter.o
	frames_in 1000
	in_root dynmonctl openmetrics edge | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="ingress"} 1000'
	run in_root dynmonctl inject edge mon0 /usr/share/doc/collectd-dynmon/examples/packet_counter.json
	[[ $status -ne 0 && $output == *"clang is not installed (Debian: apt install clang)"* ]]
	[ -n "$(ls -A "$ROOT/var/lib/collectd/dynmon")" ]
	collectd_stop
	nothing_attached

	run -0 in_root dpkg --remove collectd-dynmon
	[[ $output == *"the plugin is still loaded, and collectd will not start: /etc/collectd/collectd.conf.d/dynmon.conf"* ]]
	run -1 in_root timeout "$PATIENCE" collectd -f # 124: collectd has started
	rm "$ROOT/etc/collectd/collectd.conf.d/dynmon.conf" "$ROOT/etc/collectd/dynmon.d/packet_counter.o"
	in_root collectd -t
	in_root dpkg --purge collectd-dynmon
	[ ! -e "$ROOT/var/lib/collectd/dynmon" ]
	[ ! -e "$ROOT/etc/collectd/dynmon.d" ]
	[ "$(files)" = "$before" ]
}
