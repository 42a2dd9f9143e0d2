// SPDX-License-Identifier: Apache-2.0
// What a NAME or FILE on the command line means. Images are kept where `hull image` puts them.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cli/cli.h"

#define NAME_MAX_LENGTH 63

static bool is_file(const char *target)
{
    size_t length = strlen(target);
    return strchr(target, '/') || (length > 5 && strcmp(target + length - 5, ".json") == 0);
}

// Empty environment variables count as unset, as in the shell's ${VAR:-…}.
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *image_file(struct config_pool *pool, const char *name)
{
    const char *base = variable("HULL_CACHE"), *below = "";
    if (!base && (base = variable("XDG_CACHE_HOME")))
        below = "hull/";
    else if (!base && (base = variable("HOME")))
        below = ".cache/hull/";
    if (!base)
        return NULL;
    char path[4096];
    snprintf(path, sizeof(path), "%simages/%s/vm.json", below, name);
    return hull_pool_path(pool, base, path);
}

const char *hull_cli_target(struct config_pool *pool, const char *target, struct config_reason *why)
{
    const char *file = target;
    if (is_file(target))
        return file;
    bool plain = *target && *target != '.' && *target != '-';
    file = plain ? image_file(pool, target) : NULL;
    if (file && access(file, F_OK) == 0)
        return file;
    if (!plain)
        hull_refuse(why, "'%s' is neither the name of an image nor a .json file", target);
    else if (!file)
        hull_refuse(why, "cannot tell where images are: set HOME or HULL_CACHE");
    else if (access(target, F_OK) == 0)
        hull_refuse(
            why,
            "there is no image '%s' here; make it with: hull image pull %s (or, for the file "
            "of that name: ./%s)",
            target, target, target);
    else
        hull_refuse(why, "there is no image '%s' here; make it with: hull image pull %s", target,
                    target);
    return NULL;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.", c));
}

void hull_cli_target_name(struct vm_config *config, const char *target)
{
    const char *slash = strrchr(target, '/');
    const char *base = slash ? slash + 1 : target;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    while (length && (*base == '.' || *base == '-')) {
        base++;
        length--;
    }
    if (length > NAME_MAX_LENGTH)
        length = NAME_MAX_LENGTH;
    char *name = hull_pool_copy(&config->pool, base, length);
    if (!name || !length)
        return;
    for (char *c = name; *c; c++)
        if (!name_char(*c))
            *c = c == name ? 'x' : '-';
    config->spec.name = name;
}
