// SPDX-License-Identifier: Apache-2.0
// A configuration's life: its memory, reading the file, and the checks at the end. The JSON text is
// taken apart in json_spec.c; faults are in faults.c.
#include "host/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/config/files.h"
#include "host/config/json_board.h"
#include "host/config/json_spec.h"

void hull_config_init(struct vm_config *config)
{
    memset(config, 0, sizeof(*config));
    hull_spec_defaults(&config->spec);
}

void hull_config_settle(struct vm_config *config)
{
    free(config->text);
    free(config->faults);
    config->text = NULL;
    config->faults = NULL;
    config->text_size = 0;
    config->fault_count = config->faults_left_out = 0;
}

void hull_config_free(struct vm_config *config)
{
    hull_config_settle(config);
    hull_pool_free(&config->pool);
}

// Reads until the end, whatever the file is (also a pipe). 0 or an errno value.
static int read_all(int fd, char *text, size_t room, size_t *size)
{
    for (*size = 0; *size < room;) {
        ssize_t got = read(fd, text + *size, room - *size);
        if (got == 0)
            return 0;
        if (got > 0)
            *size += (size_t)got;
        else if (errno != EINTR)
            return errno;
    }
    return EFBIG;
}

static int file_read(const char *file, char **text, size_t *size)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    char *buf = malloc(CONFIG_FILE_MAX + 1);
    int error = buf ? read_all(fd, buf, CONFIG_FILE_MAX + 1, size) : ENOMEM;
    close(fd);
    if (error) {
        free(buf);
        return error;
    }
    char *fitted = realloc(buf, *size + 1);
    *text = fitted ? fitted : buf;
    return 0;
}

static bool file_named(struct vm_config *config, const char *file)
{
    const char *slash = strrchr(file, '/');
    size_t length = !slash ? 0 : slash == file ? 1 : (size_t)(slash - file);
    config->file = hull_pool_copy(&config->pool, file, strlen(file));
    config->folder = hull_pool_copy(&config->pool, file, length);
    if (config->file && config->folder)
        return true;
    hull_config_fault_at(config, NULL, NULL, "there is no memory left");
    return false;
}

// The text as a board's document, or as a VM's when there is no board.
static int parse_owned(struct vm_config *config, struct board_spec *board)
{
    unsigned faults = config->fault_count;
    if (board)
        hull_json_board_read(config, board);
    else
        hull_json_spec_read(config);
    return config->fault_count == faults ? 0 : -HULL_EINVAL;
}

static int load(struct vm_config *config, const char *file, struct board_spec *board)
{
    if (!file_named(config, file))
        return -HULL_EINVAL;
    int error = file_read(file, &config->text, &config->text_size);
    if (!error)
        return parse_owned(config, board);
    config->text = NULL;
    hull_config_fault_at(config, NULL, NULL,
                         error == EFBIG ? "is larger than 1 MiB; is it a VM's description?"
                                        : strerror(error));
    return -HULL_EINVAL;
}

int hull_config_load(struct vm_config *config, const char *file)
{
    return load(config, file, NULL);
}

int hull_config_load_board(struct vm_config *config, const char *file, struct board_spec *board)
{
    return load(config, file, board);
}

static int parse(struct vm_config *config, const char *file, const char *text, size_t size,
                 struct board_spec *board)
{
    if (!file_named(config, file))
        return -HULL_EINVAL;
    config->text = malloc(size + 1);
    if (!config->text) {
        hull_config_fault_at(config, NULL, NULL, "there is no memory left");
        return -HULL_EINVAL;
    }
    memcpy(config->text, text, size);
    config->text_size = size;
    return parse_owned(config, board);
}

int hull_config_parse(struct vm_config *config, const char *file, const char *text, size_t size)
{
    return parse(config, file, text, size, NULL);
}

int hull_config_parse_board(struct vm_config *config, const char *file, const char *text,
                            size_t size, struct board_spec *board)
{
    return parse(config, file, text, size, board);
}

void hull_config_override(struct vm_config *config, const char *field, const char *option)
{
    const char *kept = hull_pool_copy(&config->pool, field, strlen(field));
    if (kept && config->override_count < CONFIG_OVERRIDES_MAX)
        config->overrides[config->override_count++] = (struct config_override){kept, option};
}

static size_t first_key(const char *field)
{
    return strcspn(field, ".[");
}

static bool spoken_of(const struct vm_config *config, unsigned known_count, const char *field)
{
    for (unsigned i = 0; config->faults && i < known_count; i++) {
        const char *known = config->faults[i].field;
        if (!*known ||
            (first_key(known) == first_key(field) && strncmp(known, field, first_key(field)) == 0))
            return true;
    }
    return known_count && !config->faults; // no memory: nothing is known
}

void hull_config_judge(struct vm_config *config, unsigned known, const struct spec_error *error)
{
    char field[sizeof(error->field)];
    hull_config_field_in_file(error->field, field, sizeof(field));
    if (!spoken_of(config, known, field))
        hull_config_fault_field(config, error->field, error->reason);
}

struct judging {
    struct vm_config *config;
    unsigned known; // faults from before
};

static void judge(void *ctx, unsigned vm, const struct spec_error *error)
{
    const struct judging *judging = ctx;
    (void)vm;
    hull_config_judge(judging->config, judging->known, error);
}

int hull_config_check(struct vm_config *config, bool need_files)
{
    struct judging judging = {config, config->fault_count};
    const struct spec_sink sink = {judge, &judging};
    (void)!hull_spec_validate_all(&config->spec, 0, &sink);
    if (need_files)
        hull_config_check_files(config);
    return config->fault_count == judging.known ? 0 : -HULL_EINVAL;
}
