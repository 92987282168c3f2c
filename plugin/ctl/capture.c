/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

int capture_open(struct capture *capture, const char *file, struct error *err)
{
	char message[PCAP_ERRBUF_SIZE] = "";
	int type;

	*capture = (struct capture){ .name = file };
	capture->pcap = pcap_open_offline(file, message);
	if (!capture->pcap && !strncmp(message, file, strlen(file)))
		return error_set(err, -EINVAL, "%s", message);
	if (!capture->pcap)
		return error_set(err, -EINVAL, "%s: expected a pcap or pcapng file: %s", file,
				 message);
	type = pcap_datalink(capture->pcap);
	if (type == DLT_EN10MB)
		return 0;
	capture_close(capture);
	return error_set(err, -EINVAL,
			 "%s: expected a capture of Ethernet frames (linktype EN10MB), found %s "
			 "(%d); capture on one interface, not with tcpdump -i any",
			 file, pcap_datalink_val_to_name(type) ?: "an unknown type", type);
}

void capture_close(struct capture *capture)
{
	if (capture->pcap)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
}

int capture_next(struct capture *capture, struct error *err)
{
	struct pcap_pkthdr *header;
	int r = pcap_next_ex(capture->pcap, &header, &capture->frame);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	capture->packets++;
	if (r != 1)
		return error_set(err, -EINVAL, "%s: packet %u: %s", capture->name, capture->packets,
				 pcap_geterr(capture->pcap));
	if (header->caplen > CAPTURE_BYTES_MAX)
		return error_set(err, -EFBIG, "%s: packet %u has %u bytes, at most %d are possible",
				 capture->name, capture->packets, header->caplen,
				 CAPTURE_BYTES_MAX);
	if (capture->packets > CAPTURE_PACKETS_MAX)
		return error_set(err, -EFBIG, "%s: more than %d packets; split the capture",
				 capture->name, CAPTURE_PACKETS_MAX);
	capture->len = header->caplen;
	capture->cut = header->caplen < header->len;
	return 1;
}
