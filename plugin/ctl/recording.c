/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/recording.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

int recording_open(struct recording *recording, const char *file, struct error *err)
{
	char words[PCAP_ERRBUF_SIZE] = "";
	int type;

	*recording = (struct recording){ .name = file };
	recording->pcap = pcap_open_offline(file, words);
	if (!recording->pcap)
		return strncmp(words, file, strlen(file)) /* words may name the file */
			       ? error_set(err, -EINVAL, "%s: expected a pcap or pcapng file: %s",
					   file, words)
			       : error_set(err, -EINVAL, "%s", words);
	type = pcap_datalink(recording->pcap);
	if (type == DLT_EN10MB)
		return 0;
	recording_close(recording);
	return error_set(err, -EINVAL,
			 "%s: expected a capture of Ethernet frames (linktype EN10MB), found %s "
			 "(%d); tcpdump -i any does not write Ethernet",
			 file, pcap_datalink_val_to_name(type) ?: "an unknown one", type);
}

void recording_close(struct recording *recording)
{
	if (recording->pcap)
		pcap_close(recording->pcap);
	recording->pcap = NULL;
}

int recording_next(struct recording *recording, struct frame *frame, struct error *err)
{
	struct pcap_pkthdr *header;
	int r = pcap_next_ex(recording->pcap, &header, &frame->bytes);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1)
		return error_set(err, -EINVAL, "%s: packet %llu: %s", recording->name,
				 (unsigned long long)recording->packets + 1,
				 pcap_geterr(recording->pcap));
	if (header->caplen > RECORDING_BYTES_MAX)
		return error_set(err, -EFBIG,
				 "%s: packet %llu has %u bytes, at most %d are possible",
				 recording->name, (unsigned long long)recording->packets + 1,
				 header->caplen, RECORDING_BYTES_MAX);
	if (recording->packets == RECORDING_PACKETS_MAX)
		return error_set(err, -EFBIG, "%s: more than %d packets, which is the limit",
				 recording->name, RECORDING_PACKETS_MAX);
	recording->packets++;
	frame->len = header->caplen;
	frame->cut = header->caplen < header->len;
	return 1;
}
