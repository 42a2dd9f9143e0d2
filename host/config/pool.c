// SPDX-License-Identifier: Apache-2.0
// A list of separately allocated strings, so that ASan sees an overrun of each one.
#include "host/config/pool.h"

#include <stdlib.h>
#include <string.h>

struct pool_string {
    struct pool_string *next;
    char text[];
};

static char *pool_new(struct config_pool *pool, size_t length)
{
    struct pool_string *string = malloc(sizeof(*string) + length + 1);
    if (!string)
        return NULL;
    string->next = pool->strings;
    string->text[length] = '\0';
    pool->strings = string;
    return string->text;
}

char *hull_pool_copy(struct config_pool *pool, const char *text, size_t length)
{
    char *copy = pool_new(pool, length);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *hull_pool_path(struct config_pool *pool, const char *folder, const char *name)
{
    size_t folder_length = strlen(folder), name_length = strlen(name);
    if (name[0] == '/' || !folder_length)
        return hull_pool_copy(pool, name, name_length);
    char *path = pool_new(pool, folder_length + 1 + name_length);
    if (!path)
        return NULL;
    memcpy(path, folder, folder_length);
    path[folder_length] = '/';
    memcpy(path + folder_length + 1, name, name_length);
    return path;
}

void hull_pool_free(struct config_pool *pool)
{
    while (pool->strings) {
        struct pool_string *string = pool->strings;
        pool->strings = string->next;
        free(string);
    }
}
