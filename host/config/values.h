// SPDX-License-Identifier: Apache-2.0
// One value each out of the text that a user wrote, the same for the command line and the JSON file.
#ifndef HOST_CONFIG_VALUES_H
#define HOST_CONFIG_VALUES_H

#include <hull/spec.h>

#include "host/config/pool.h"

// Why a value is refused: a sentence's end after the field's name ("is not a size …").
struct config_reason {
    char text[256];
};

// A word of the configuration and what it stands for.
struct config_word {
    const char *word;
    int value;
};

extern const struct config_word hull_engine_words[], hull_console_words[], hull_net_words[],
    hull_backend_words[], hull_log_words[], hull_policy_words[], hull_colour_words[],
    hull_interrupt_words[]; // each ends with a NULL word

// Writes the reason; always false, so that it can be returned.
bool hull_refuse(struct config_reason *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// All return false with *why filled, and leave the target alone then. Strings are put into the pool.
bool hull_value_word(const struct config_word *words, const char *text, int *value,
                     struct config_reason *why);
bool hull_value_count(const char *text, unsigned *count, struct config_reason *why);
bool hull_value_size(const char *text, uint64_t *bytes, struct config_reason *why);
bool hull_value_mac(const char *text, uint8_t mac[6], struct config_reason *why);

// "stdio", "pty", "none", "file:F", "unix:F"; *path is NULL for those without one.
bool hull_value_console(const char *text, struct config_pool *pool, enum console_kind *kind,
                        const char **path, struct config_reason *why);
bool hull_console_has_path(enum console_kind kind);

// "[ADDRESS:]HOST:GUEST[/tcp|/udp]", the address being an IPv4 one.
bool hull_value_publish(const char *text, struct config_pool *pool, struct publish_spec *publish,
                        struct config_reason *why);

// "FILE[,ro][,id=ID]"; a comma of the file's name is doubled.
bool hull_value_disk(const char *text, struct config_pool *pool, struct disk_spec *disk,
                     struct config_reason *why);

// "user", "tap=IF" or "none", then perhaps ",mac=…".
bool hull_value_net(const char *text, struct config_pool *pool, struct net_spec *net,
                    struct config_reason *why);

// " (did you mean 'x'?)" when a name is near, else empty. `buf` is returned.
const char *hull_did_you_mean(const char *word, const char *const *names, size_t count, char *buf,
                              size_t size);

#endif
