/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * <stdint.h> for BPF programs: clang's own, not the C library's.
 *
 * The C library takes the BPF target for a 32-bit machine and would cut uintptr_t in half. The
 * 64-bit types are made the same types as the kernel's __u64 and __s64, so that pointers to
 * them mix.
 */
#pragma GCC system_header
#ifndef __bpf__ /* user space that looks for our headers here */
#include_next <stdint.h>
#else
#pragma push_macro("__STDC_HOSTED__")
#pragma push_macro("__INT64_TYPE__")
#pragma push_macro("__UINT64_TYPE__")
#undef __STDC_HOSTED__
#undef __INT64_TYPE__
#undef __UINT64_TYPE__
#define __STDC_HOSTED__ 0
#define __INT64_TYPE__ long long int
#define __UINT64_TYPE__ unsigned long long int
#include_next <stdint.h>
#pragma pop_macro("__UINT64_TYPE__")
#pragma pop_macro("__INT64_TYPE__")
#pragma pop_macro("__STDC_HOSTED__")
#endif
