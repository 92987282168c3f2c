/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The setup of a metric: binds the configuration in the document to a map of a loaded object. */
#ifndef DYNMON_METRIC_SETUP_H
#define DYNMON_METRIC_SETUP_H

#include "kernel/object.h"
#include "metric/metric.h"

/**
 * metric_init() - bind a metric's configuration to a map of an object
 * @metric: receives the metric; after success release it with metric_release()
 * @config: outlives the metric
 * @object: loaded object; owns the map
 * @err:    receives the reason
 *
 * Return: 0; -ENOENT if the object has no such map; -EOPNOTSUPP if its type cannot be read;
 * -EACCES if its flags prohibit reading or emptying; -EFBIG if its entries are too large; -EINVAL
 * if its BTF types cannot be shown or do not match the document; -ENOMEM.
 */
int metric_init(struct metric *metric, const struct metric_config *config,
		const struct object *object, struct error *err);
void metric_release(struct metric *metric);

/**
 * metric_set_second() - set the second copy of a swapped map
 * @metric: initialized metric
 * @copy:   second copy of the object; owns the second map
 * @err:    receives the reason
 *
 * Return: 0 or -errno as metric_init().
 */
int metric_set_second(struct metric *metric, const struct object *copy, struct error *err);

/**
 * metric_set_accumulator() - add an accumulator if the metric needs one
 * @metric:   initialized metric, after metric_set_second() if swapped
 * @previous: metric of the old generation whose map is reused, or NULL
 * @err:      receives the reason
 *
 * A metric needs an accumulator if its map is swapped, or if it is an exported counter that is
 * emptied by reads. The accumulator of previous is taken over if accumulator_suits().
 *
 * Return: 0; -ENOMEM; -EFBIG if the accumulator may become too large.
 */
int metric_set_accumulator(struct metric *metric, const struct metric *previous, struct error *err);

/**
 * metric_join() - let two metrics share the entries taken out of their map
 * @metric: metric with an accumulator that has not been joined yet
 * @first:  metric with an accumulator on the same map
 *
 * Neither metric may move in memory afterwards. Release both at the same time.
 */
void metric_join(struct metric *metric, struct metric *first);

/* Sets the monitor's name for log messages. Returns 0 or -ENOMEM. */
int metric_set_owner(struct metric *metric, const char *monitor, struct error *err);

#endif
