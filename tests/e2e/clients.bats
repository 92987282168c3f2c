# collectd's own clients - collectdctl, collectd-nagios, and the Perl and Python clients - with the
# control socket.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	sed -i '1i LoadPlugin load' "$CONF"
	collectd_start
	ID=host/dynmon-edge-mon0/packets-packets-ingress
	# A first value has no rate yet.
	eventually rate_none
}

client() { collectdctl -s "$SOCKET" "$@"; }

@test "collectdctl: listval, getval, and values that do not exist" {
	run client listval
	[ "$status" -eq 0 ]
	grep -Fxq "$ID" <<<"$output"
	# exactly the values of this plugin
	run ! grep -v '^host/dynmon[-/]' <<<"$output"
	raw LISTVAL >"$DIR/listed" # more values may be added at any time
	[ "$(head -n 1 "$DIR/listed")" = "$(sed 1d "$DIR/listed" | wc -l) Values found" ]
	sed 1d "$DIR/listed" | grep -Eq "^[0-9]{10}\.[0-9]{3} $ID\$"
	run client getval "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "value=0.000000e+00" ]
	[ "$(raw "GETVAL \"$ID\"")" = $'1 Value found\nvalue=0.000000e+00' ]
	# same text as collectd's unixsock plugin
	for id in host/dynmon-edge-mon0/derive-none host/dynmonic/derive host/load/load; do
		run client getval "$id"
		[ "$status" -eq 255 ]
		[ "$output" = "ERROR: Server error: No such value." ]
	done
	run client getval host/dynmon/no_such_type
	[ "$output" = "ERROR: Server error: Type \`no_such_type' is unknown." ]
	[ "$(raw 'GETVAL nonsense')" = "-1 Cannot parse identifier \`nonsense'." ]
	[ "$(raw 'GETVAL')" = "-1 missing argument; usage: GETVAL <identifier>" ]
	[ "$(raw 'GETVAL host/dynmon/derive-a=b')" = "-1 No such value." ]
}

@test "collectdctl: a rate is the count per second" {
	send_always
	eventually rate_above_none
	send_no_more
	eventually rate_none
}

rate_none() { client getval "$ID" | grep -Fx value=0.000000e+00; }
rate_above_none() { client getval "$ID" | awk -F = '$2 > 0 { found = 1 } END { exit !found }'; }

@test "collectdctl: flush, and its exit codes" {
	run client flush
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run client flush timeout=0 plugin=dynmon plugin=csv identifier="$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run client flush plugin
	[ "$status" -eq 255 ]
	run client flush plugin=nosuch # not loaded; collectd reports no error either
	[ "$status" -eq 0 ]
}

@test "collectdctl: putval is rejected" {
	run client putval "$ID" interval=10 N:1
	[ "$status" -eq 255 ]
	[ "$output" = "ERROR: Server error: Unknown command: PUTVAL" ]
	[ "$(raw 'PUTNOTIF severity=failure time=1 message="a b"')" = "-1 Unknown command: PUTNOTIF" ]
	[ "$(raw 'GETTHRESHOLD "host/load/load"')" = "-1 Unknown command: GETTHRESHOLD" ]
	run client nonsense
	[ "$status" -ne 0 ]
}

@test "collectd-nagios checks a value" {
	run collectd-nagios -s "$SOCKET" -H host -n dynmon-edge-mon0/packets-packets-ingress -c 0:1000000 -w 0:1000000
	[ "$status" -eq 0 ]
	[[ $output == "OKAY: "* ]]
	run collectd-nagios -s "$SOCKET" -H host -n dynmon-edge-mon0/packets-packets-ingress -c 5:10
	[ "$status" -eq 2 ]
}

@test "Perl's Collectd::Unixsock" {
	# shellcheck disable=SC2016 # Perl's variables
	run near perl -MCollectd::Unixsock -e '
		my $client = Collectd::Unixsock->new($ARGV[0]) or die;
		my %id = (host => "host", plugin => "dynmon", plugin_instance => "edge-mon0",
			type => "packets", type_instance => "packets-ingress");
		my ($found) = grep { ($_->{type_instance} // "") eq $id{type_instance} } $client->listval();
		print "listed $found->{host} $found->{plugin} $found->{plugin_instance} $found->{type}\n";
		print "value ", $client->getval(%id)->{value}, "\n";
		print "flushed ", $client->flush(timeout => 0, plugins => ["dynmon"], identifier => [\%id]), "\n";
		$client->getval(%id, type_instance => "none");
		print "error $client->{error}\n";
		print "put ", $client->putval(%id, values => [1], interval => 10) ? "taken" : $client->{error}, "\n";
		print "notified ", $client->putnotif(message => "a b", severity => "failure", time => 1) ? "taken" : $client->{error}, "\n";
		print "still ", scalar(grep { $_->{plugin} ne "dynmon" } $client->listval()), "\n";' "$SOCKET"
	[ "$status" -eq 0 ]
	[ "$output" = "listed host dynmon edge-mon0 packets
value 0
flushed 1
error No such value.
put Unknown command: PUTVAL
notified Unknown command: PUTNOTIF
still 0" ]
}

@test "Python's collectd_unixsock" {
	run near /usr/bin/python3 -W ignore "$top_srcdir/tests/tools/unixsock.py" \
		/usr/share/doc/collectd-core/examples/collectd_unixsock.py "$SOCKET" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "listed True True
value value=0.000000e+00
flushed False
error Identifier 'host/nosuch/gauge' not found
putval -1
putnotif -1
still True" ]
}
