// SPDX-License-Identifier: Apache-2.0
// Address types and the limits that every part shares.
#ifndef HULL_TYPES_H
#define HULL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t gpa_t; // guest physical address
typedef uint64_t gva_t; // guest virtual address
typedef uint64_t hpa_t; // host physical address (bare metal only)

#define HULL_CPUS_MAX 64
#define HULL_PAGE_SHIFT 12
#define HULL_PAGE_SIZE 4096u

#define HULL_NSEC_PER_SEC 1000000000ull

// The structure that holds `member`, from a pointer to that member.
#define hull_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define HULL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
