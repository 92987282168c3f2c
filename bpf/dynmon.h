/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Macros that describe metrics in libbpf-style C, so that the compiled object needs no separate
 * document. See SELF-DESCRIBING OBJECTS in dynmon-dataplane(5).
 *
 * Write the macros after the variable of a map:
 *
 *	struct {
 *		...
 *	} packets SEC(".maps")
 *		DYNMON_METRIC("packets_total", "counter", "Packets seen.")
 *		DYNMON_LABEL("layer", "2")
 *		DYNMON_EMPTY_ON_READ;
 *
 * Each macro adds a declaration tag: "dynmon:metric=" followed by JSON. The JSON is an element of
 * the document's metric-configs without map-name. A tag with a name defines a metric. The contents
 * of a tag without a name are added to every metric of the map. Compile with -g, because the tags
 * are part of the type information (BTF).
 */
#ifndef DYNMON_H
#define DYNMON_H

#define dynmon_metric_tag(json) __attribute__((btf_decl_tag("dynmon:metric=" json)))
#define dynmon_string(literal) dynmon_string_(literal)
#define dynmon_string_(literal) #literal

/*
 * Defines a metric of this map. The arguments are string literals. type is counter, gauge,
 * histogram, summary or untyped.
 */
#define DYNMON_METRIC(name, type, help)                                                            \
	dynmon_metric_tag("{\"name\":" dynmon_string(name) ",\"open-metrics-metadata\":{\"type\":" \
		dynmon_string(type) ",\"help\":" dynmon_string(help) "}}")

/* Defines a metric that is exported as JSON only. */
#define DYNMON_METRIC_JSON_ONLY(name) dynmon_metric_tag("{\"name\":" dynmon_string(name) "}")

/* Adds a constant label to the map's metrics. May be repeated. */
#define DYNMON_LABEL(name, value)                                                                  \
	dynmon_metric_tag("{\"open-metrics-metadata\":{\"labels\":[{\"name\":" dynmon_string(      \
		name) ",\"value\":" dynmon_string(value) "}]}}")

/*
 * Adds a label from a field of the key or the value. field is a path such as "key.daddr"; format is
 * for example "ip". May be repeated.
 */
#define DYNMON_LABEL_FIELD(name, field, format)                                                    \
	dynmon_metric_tag("{\"open-metrics-metadata\":{\"labels\":[{\"name\":" dynmon_string(      \
		name) ",\"field\":" dynmon_string(field) ",\"format\":" dynmon_string(format) "}]}}")

/* Removes entries, and sets array elements to zero, when they are read. */
#define DYNMON_EMPTY_ON_READ                                                                       \
	dynmon_metric_tag("{\"extraction-options\":{\"empty-on-read\":true}}")

/* Double-buffers the map: a read switches the programs to a second copy of the map. */
#define DYNMON_SWAP_ON_READ                                                                        \
	dynmon_metric_tag("{\"extraction-options\":{\"swap-on-read\":true}}")

/*
 * Sets the direction of the metrics: "ingress" or "egress". Default: ingress, if the object has an
 * ingress program.
 */
#define DYNMON_DIRECTION(direction) dynmon_metric_tag("{\"direction\":" dynmon_string(direction) "}")

/* Adds any members of a metric-configs element, given as JSON. With a name they define a metric. */
#define DYNMON_METRIC_CONFIG(...) dynmon_metric_tag(#__VA_ARGS__)

#endif
