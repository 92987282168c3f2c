/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Macros for the maps and methods of the Dynmon dialect, as dynmon-cc rewrites them:
 *
 *	BPF_TABLE("hash", K, V, M, 16)	becomes	dynmon_table_hash(M, K, V, 16, 0)
 *	M.lookup(&key)			becomes	dynmon_lookup(M, (&key))
 *
 * This file is included before code that is already preprocessed. To avoid conflicts, the name of
 * every macro begins with dynmon_. The lists in plugin/cc/dialect.c must name all map types and
 * methods. The macros compile to the same helper calls as hand-written code.
 */
#ifndef DYNMON_METHODS_H
#define DYNMON_METHODS_H

/* -- maps, as libbpf reads them from BTF -- */

#define dynmon_keyed(map_type, name, K, V, size, flags)                                           \
	struct {                                                                                   \
		int (*type)[map_type];                                                             \
		int (*max_entries)[size];                                                          \
		int (*map_flags)[flags];                                                           \
		typeof(K) *key;                                                                    \
		typeof(V) *value;                                                                  \
	} name __attribute__((section(".maps"), used, btf_decl_tag("dynmon:dialect")))
#define dynmon_unkeyed(map_type, name, V, size, flags)                                            \
	struct {                                                                                   \
		int (*type)[map_type];                                                             \
		int (*max_entries)[size];                                                          \
		int (*map_flags)[flags];                                                           \
		typeof(V) *value;                                                                  \
	} name __attribute__((section(".maps"), used, btf_decl_tag("dynmon:dialect")))

#define dynmon_table_hash(...) dynmon_keyed(BPF_MAP_TYPE_HASH, __VA_ARGS__)
#define dynmon_table_array(...) dynmon_keyed(BPF_MAP_TYPE_ARRAY, __VA_ARGS__)
#define dynmon_table_percpu_hash(...) dynmon_keyed(BPF_MAP_TYPE_PERCPU_HASH, __VA_ARGS__)
#define dynmon_table_percpu_array(...) dynmon_keyed(BPF_MAP_TYPE_PERCPU_ARRAY, __VA_ARGS__)
#define dynmon_table_lru_hash(...) dynmon_keyed(BPF_MAP_TYPE_LRU_HASH, __VA_ARGS__)
#define dynmon_table_lru_percpu_hash(...) dynmon_keyed(BPF_MAP_TYPE_LRU_PERCPU_HASH, __VA_ARGS__)
#define dynmon_table_prog(...) dynmon_keyed(BPF_MAP_TYPE_PROG_ARRAY, __VA_ARGS__)
#define dynmon_table_perf_output(...) dynmon_keyed(BPF_MAP_TYPE_PERF_EVENT_ARRAY, __VA_ARGS__)
/* The kernel requires BPF_F_NO_PREALLOC for a trie. */
#define dynmon_table_lpm_trie(name, K, V, size, flags)                                            \
	dynmon_keyed(BPF_MAP_TYPE_LPM_TRIE, name, K, V, size, (flags) | BPF_F_NO_PREALLOC)
/* An array if the key is an int, the number of the slot; a hash for any other key. */
#define dynmon_table_histogram(name, K, V, size, flags)                                           \
	dynmon_keyed(__builtin_types_compatible_p(K, int) ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH, \
		     name, K, V, size, flags)
/* A map that another dataplane declares. The loader uses the type and size of that declaration. */
#define dynmon_table_extern(...)                                                                  \
	__attribute__((btf_decl_tag("dynmon:extern"))) dynmon_keyed(BPF_MAP_TYPE_HASH, __VA_ARGS__)

#define dynmon_queue_queue(...) dynmon_unkeyed(BPF_MAP_TYPE_QUEUE, __VA_ARGS__)
#define dynmon_queue_stack(...) dynmon_unkeyed(BPF_MAP_TYPE_STACK, __VA_ARGS__)
#define dynmon_queue_extern(...)                                                                  \
	__attribute__((btf_decl_tag("dynmon:extern")))                                             \
	dynmon_unkeyed(BPF_MAP_TYPE_QUEUE, __VA_ARGS__)

/* -- methods -- */

/* Let the compiler check the caller's pointers against the types of the map. */
#define dynmon_key(map, k) ((const typeof(*map.key) *){ k })
#define dynmon_value(map, v) ((const typeof(*map.value) *){ v })

#define dynmon_lookup(map, k)                                                                     \
	((typeof(map.value))bpf_map_lookup_elem(&map, dynmon_key(map, k)))
#define dynmon_update(map, k, v)                                                                  \
	bpf_map_update_elem(&map, dynmon_key(map, k), dynmon_value(map, v), BPF_ANY)
#define dynmon_insert(map, k, v)                                                                  \
	bpf_map_update_elem(&map, dynmon_key(map, k), dynmon_value(map, v), BPF_NOEXIST)
#define dynmon_delete(map, k) bpf_map_delete_elem(&map, dynmon_key(map, k))

/* Looks up k, and inserts v if there is no entry. NULL if the insertion failed: the map is full. */
#define dynmon_lookup_or_try_init(map, k, v)                                                      \
	({                                                                                         \
		const typeof(*map.key) *dynmon_k = k;                                              \
		const typeof(*map.value) *dynmon_v = v;                                            \
		typeof(map.value) dynmon_found = bpf_map_lookup_elem(&map, dynmon_k);              \
                                                                                                   \
		if (!dynmon_found) {                                                               \
			bpf_map_update_elem(&map, dynmon_k, dynmon_v, BPF_NOEXIST);                \
			dynmon_found = bpf_map_lookup_elem(&map, dynmon_k);                        \
		}                                                                                  \
		dynmon_found;                                                                      \
	})
/* Like lookup_or_try_init, but makes the calling function return 0 if the map is full. */
#define dynmon_lookup_or_init(map, k, v)                                                          \
	({                                                                                         \
		typeof(map.value) dynmon_init = dynmon_lookup_or_try_init(map, k, v);              \
                                                                                                   \
		if (!dynmon_init)                                                                  \
			return 0;                                                                  \
		dynmon_init;                                                                       \
	})

#define dynmon_is_array(map)                                                                      \
	(sizeof(*map.type) == sizeof(int[BPF_MAP_TYPE_ARRAY]) ||                                   \
	 sizeof(*map.type) == sizeof(int[BPF_MAP_TYPE_PERCPU_ARRAY]))
/*
 * Looks up k, which is passed by value, and inserts a zero value if there is no entry and the map
 * is not an array. NULL if the insertion failed or the array index is out of range.
 */
#define dynmon_counter(map, k)                                                                    \
	({                                                                                         \
		typeof(*map.key) dynmon_k = k;                                                     \
		typeof(map.value) dynmon_found = bpf_map_lookup_elem(&map, &dynmon_k);             \
                                                                                                   \
		if (!dynmon_found && !dynmon_is_array(map)) {                                      \
			typeof(*map.value) dynmon_zero = { 0 };                                    \
                                                                                                   \
			bpf_map_update_elem(&map, &dynmon_k, &dynmon_zero, BPF_NOEXIST);           \
			dynmon_found = bpf_map_lookup_elem(&map, &dynmon_k);                       \
		}                                                                                  \
		dynmon_found;                                                                      \
	})
#define dynmon_or_one(_, n, ...) n
#define dynmon_increment(map, k, ...)                                                             \
	({                                                                                         \
		typeof(map.value) dynmon_count = dynmon_counter(map, k);                           \
                                                                                                   \
		if (dynmon_count)                                                                  \
			*dynmon_count += dynmon_or_one(, ##__VA_ARGS__, 1);                        \
	})
#define dynmon_atomic_increment(map, k, ...)                                                      \
	({                                                                                         \
		typeof(map.value) dynmon_count = dynmon_counter(map, k);                           \
                                                                                                   \
		if (dynmon_count)                                                                  \
			__sync_fetch_and_add(dynmon_count, dynmon_or_one(, ##__VA_ARGS__, 1));     \
	})

#define dynmon_push(map, v, flags) bpf_map_push_elem(&map, dynmon_value(map, v), flags)
#define dynmon_pop(map, v) bpf_map_pop_elem(&map, (typeof(map.value)){ v })
#define dynmon_peek(map, v) bpf_map_peek_elem(&map, (typeof(map.value)){ v })

#define dynmon_call(map, ctx, index) bpf_tail_call(ctx, &map, index)
#define dynmon_perf_submit(map, ctx, data, size)                                                  \
	bpf_perf_event_output(ctx, &map, BPF_F_CURRENT_CPU, data, size)
/* Appends the first packet_len bytes of the packet to the data. */
#define dynmon_perf_submit_skb(map, ctx, packet_len, data, size)                                  \
	bpf_perf_event_output(ctx, &map, BPF_F_CURRENT_CPU | (__u64)(packet_len) << 32, data, size)

#endif
