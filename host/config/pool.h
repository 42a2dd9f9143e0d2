// SPDX-License-Identifier: Apache-2.0
// The strings that a VM spec borrows: copied here one by one, freed all at once.
#ifndef HOST_CONFIG_POOL_H
#define HOST_CONFIG_POOL_H

#include <stddef.h>

struct pool_string;

struct config_pool {
    struct pool_string *strings;
};

// A terminated copy that lives until hull_pool_free(); NULL when there is no memory.
char *hull_pool_copy(struct config_pool *pool, const char *text, size_t length);

// `name` as seen from `folder`: joined, unless it is absolute or `folder` is empty.
char *hull_pool_path(struct config_pool *pool, const char *folder, const char *name);

void hull_pool_free(struct config_pool *pool);

#endif
