/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric/metric.h"

#include <errno.h>

bool metric_entries(const struct metric *metric, uint64_t *ret)
{
	*ret = metric->map.max_entries;
	if (metric_has_index(metric))
		return true;
	if (!__atomic_load_n(&metric->notes->counted, __ATOMIC_ACQUIRE))
		return false;
	*ret = __atomic_load_n(&metric->notes->entries, __ATOMIC_RELAXED);
	return true;
}

void metric_value_add(const struct metric *metric, char *sum, const char *value)
{
	unsigned int cpus = map_is_percpu(metric->map.type) ? map_cpus() : 1;

	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		plan_add(&metric->value, sum + cpu * map_cpu_stride(&metric->map),
			 value + cpu * map_cpu_stride(&metric->map));
}

void metric_samples_add(const struct metric *metric, char *sum, const char *value)
{
	unsigned int cpus = map_is_percpu(metric->map.type) ? map_cpus() : 1;

	for (size_t i = 0; i < metric->n_columns; i++)
		for (unsigned int cpu = 0; cpu < cpus && !metric->columns[i].element; cpu++) {
			const struct field *field = metric->columns[i].field;
			size_t at = cpu * map_cpu_stride(&metric->map) + field->offset;

			plan_add(&field->plan, sum + at, value + at);
		}
}

struct number metric_sample_cpu(const struct metric *metric, size_t column, const char *value,
				unsigned int cpu)
{
	const struct column *of = &metric->columns[column];
	struct number n = plan_number_at(
		&of->field->plan, value + of->field->offset + cpu * map_cpu_stride(&metric->map),
		of->element);
	uint32_t size = plan_number_size(&of->field->plan);

	/* A signed counter that overflowed continues as an unsigned one. */
	if (!of->counts || n.kind != NUMBER_SIGNED)
		return n;
	n.kind = NUMBER_UNSIGNED;
	if (size < sizeof(uint64_t))
		n.u &= (1ULL << 8 * size) - 1;
	return n;
}

struct number metric_sample(const struct metric *metric, size_t column, const char *value)
{
	struct number result = metric_sample_cpu(metric, column, value, 0);
	unsigned int cpus = map_is_percpu(metric->map.type) ? map_cpus() : 1;

	for (unsigned int cpu = 1; cpu < cpus; cpu++) {
		struct number n = metric_sample_cpu(metric, column, value, cpu);
		bool less = number_less(n, result);

		switch (metric->config->per_cpu) {
		case PER_CPU_MAX:
			result = less ? result : n;
			break;
		case PER_CPU_MIN:
			result = less ? n : result;
			break;
		default:
			result = number_add(result, n);
			break;
		}
	}
	return result;
}

struct number metric_batch_sample(const struct metric *metric, size_t column,
				  const struct metric_batch *batch, uint32_t i)
{
	const struct map_batch *entries = &batch->entries;

	if (batch->numbers)
		return batch->numbers[i * metric->n_columns + column];
	return metric_sample(metric, column, entries->values + i * entries->value_stride);
}

struct number metric_family_sum(const struct metric *metric, size_t family,
				const struct number *numbers)
{
	const struct family *of = &metric->families[family];
	struct number sum = numbers[of->column];

	for (uint32_t i = 1; i < of->numbers; i++)
		sum = number_add(sum, numbers[of->column + i]);
	return sum;
}

struct number metric_scale(const struct metric *metric, struct number number)
{
	if (!metric->config->scale || metric->config->scale == 1)
		return number;
	return (struct number){ NUMBER_FLOAT, .f = number_double(number) * metric->config->scale };
}

const struct field *metric_key_field(const struct metric *metric, const char *path)
{
	return fields_find(metric->key_fields, metric->n_key_fields, "key", path);
}

const struct field *metric_value_field(const struct metric *metric, const char *path)
{
	return fields_find(metric->value_fields, metric->n_value_fields, "value", path);
}

int metric_no_such_field(const struct metric *metric, const char *what, const char *path,
			 struct error *err)
{
	_cleanup_text_ struct text all = {};

	fields_names(metric->key_fields, metric->n_key_fields, "key", &all);
	if (metric_has_index(metric))
		text_printf(&all, "%sindex", all.len ? ", " : "");
	fields_names(metric->value_fields, metric->n_value_fields, "value", &all);
	if (metric_lists_cpus(metric))
		text_adds(&all, ", cpu");
	return error_set(err, -EINVAL, "%s: no field is called \"%s\"; there are %s", what, path,
			 text_str(&all));
}

int metric_find_field(const struct metric *metric, const char *what, const char *path, bool array,
		      const struct field **ret, struct error *err)
{
	_cleanup_text_ struct text all = {};

	*ret = metric_value_field(metric, path);
	if (!*ret && metric_key_field(metric, path)) {
		fields_names(metric->value_fields, metric->n_value_fields, "value", &all);
		return error_set(err, -EINVAL,
				 "%s: expected a field of the value, found \"%s\"; there are %s",
				 what, path, text_str(&all));
	}
	if (!*ret)
		return metric_no_such_field(metric, what, path, err);
	if (array ? !(*ret)->numbers : !plan_is_number(&(*ret)->plan))
		return error_set(err, -EINVAL, "%s: field \"%s\" is no number", what, path);
	return 0;
}
