/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Macros with which libbpf-style C describes its metrics itself, so that the compiled object needs
 * no document beside it. See SELF-DESCRIBING OBJECTS in dynmon-dataplane(5).
 *
 * They stand behind a map's variable:
 *
 *	struct {
 *		...
 *	} packets SEC(".maps")
 *		DYNMON_METRIC("packets_total", "counter", "Packets seen.")
 *		DYNMON_LABEL("layer", "2")
 *		DYNMON_EMPTY_ON_READ;
 *
 * Each is a declaration tag, "dynmon:metric=" and JSON: that of an element of the document's
 * metric-configs without map-name. A tag with a name is a metric; what the tags without one say is
 * added to every metric of the map. Compile with -g: tags are in the type information.
 */
#ifndef DYNMON_H
#define DYNMON_H

#define dynmon_metric_tag(json) __attribute__((btf_decl_tag("dynmon:metric=" json)))
#define dynmon_string(literal) dynmon_string_(literal)
#define dynmon_string_(literal) #literal

/* A metric of this map. All three are literals; type: counter, gauge, histogram, summary, untyped. */
#define DYNMON_METRIC(name, type, help)                                                            \
	dynmon_metric_tag("{\"name\":" dynmon_string(name) ",\"open-metrics-metadata\":{\"type\":" \
		dynmon_string(type) ",\"help\":" dynmon_string(help) "}}")

/* A metric that is given out as JSON alone. */
#define DYNMON_METRIC_JSON_ONLY(name) dynmon_metric_tag("{\"name\":" dynmon_string(name) "}")

/* A constant label of the map's metrics. May be repeated. */
#define DYNMON_LABEL(name, value)                                                                  \
	dynmon_metric_tag("{\"open-metrics-metadata\":{\"labels\":[{\"name\":" dynmon_string(      \
		name) ",\"value\":" dynmon_string(value) "}]}}")

/* A field of the key or the value as a label: "key.daddr", in a format such as "ip". */
#define DYNMON_LABEL_FIELD(name, field, format)                                                    \
	dynmon_metric_tag("{\"open-metrics-metadata\":{\"labels\":[{\"name\":" dynmon_string(      \
		name) ",\"field\":" dynmon_string(field) ",\"format\":" dynmon_string(format) "}]}}")

/* What is read is taken out. */
#define DYNMON_EMPTY_ON_READ                                                                       \
	dynmon_metric_tag("{\"extraction-options\":{\"empty-on-read\":true}}")

/* It is read while another copy of the map is counted in. */
#define DYNMON_SWAP_ON_READ                                                                        \
	dynmon_metric_tag("{\"extraction-options\":{\"swap-on-read\":true}}")

/* "ingress" or "egress": whose metric it is. Without it: ingress, if there is a program for it. */
#define DYNMON_PATH(path) dynmon_metric_tag("{\"path\":" dynmon_string(path) "}")

/* Anything that an element of metric-configs may have, as JSON. With a name it is a metric. */
#define DYNMON_METRIC_CONFIG(...) dynmon_metric_tag(#__VA_ARGS__)

#endif
