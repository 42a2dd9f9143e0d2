// SPDX-License-Identifier: Apache-2.0
// Words, numbers and addresses of the configuration. See values.h.
#include "host/config/values.h"

#include <arpa/inet.h>
#include <hull/env.h>
#include <lib/str.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 16

const struct config_word hull_engine_words[] = {
    {"auto", ENGINE_AUTO},
    {"interp", ENGINE_INTERP},
    {"jit", ENGINE_JIT},
    {NULL, 0},
};

const struct config_word hull_console_words[] = {
    {"stdio", CONSOLE_STDIO}, {"file", CONSOLE_FILE}, {"pty", CONSOLE_PTY},
    {"unix", CONSOLE_UNIX},   {"none", CONSOLE_NONE}, {NULL, 0},
};

const struct config_word hull_interrupt_words[] = {
    {"plic", INTERRUPTS_PLIC},
    {"aplic", INTERRUPTS_APLIC},
    {"aia", INTERRUPTS_AIA},
    {NULL, 0},
};

const struct config_word hull_net_words[] = {
    {"user", NET_USER},
    {"tap", NET_TAP},
    {"none", NET_NONE},
    {NULL, 0},
};

const struct config_word hull_backend_words[] = {
    {"user", NET_USER}, {"tap", NET_TAP}, {"none", NET_NONE}, {"switch", NET_SWITCH}, {NULL, 0},
};

const struct config_word hull_policy_words[] = {
    {"stop", POLICY_STOP},
    {"restart", POLICY_RESTART},
    {NULL, 0},
};

const struct config_word hull_colour_words[] = {
    {"auto", COLOUR_AUTO},     {"red", COLOUR_RED},     {"green", COLOUR_GREEN},
    {"yellow", COLOUR_YELLOW}, {"blue", COLOUR_BLUE},   {"magenta", COLOUR_MAGENTA},
    {"cyan", COLOUR_CYAN},     {"white", COLOUR_WHITE}, {NULL, 0},
};

const struct config_word hull_log_words[] = {
    {"error", HULL_LOG_ERROR},
    {"warn", HULL_LOG_WARN},
    {"info", HULL_LOG_INFO},
    {"debug", HULL_LOG_DEBUG},
    {NULL, 0},
};

bool hull_refuse(struct config_reason *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return false;
}

const char *hull_did_you_mean(const char *word, const char *const *names, size_t count, char *buf,
                              size_t size)
{
    const char *near = hull_suggest(word, names, count);
    buf[0] = '\0';
    if (near)
        snprintf(buf, size, " (did you mean '%s'?)", near);
    return buf;
}

bool hull_value_word(const struct config_word *words, const char *text, int *value,
                     struct config_reason *why)
{
    const char *names[WORDS_MAX];
    char list[128] = "", hint[64];
    size_t count = 0;
    for (; words[count].word && count < WORDS_MAX; count++) {
        if (strcmp(words[count].word, text) == 0) {
            *value = words[count].value;
            return true;
        }
        names[count] = words[count].word;
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", count ? ", " : "", names[count]);
    }
    return hull_refuse(why, "'%.40s' is not one of %s%s", text, list,
                       hull_did_you_mean(text, names, count, hint, sizeof(hint)));
}

bool hull_value_count(const char *text, unsigned *count, struct config_reason *why)
{
    uint64_t number = 0;
    int error = hull_parse_u64(text, 10, &number);
    if (error == -HULL_EINVAL)
        return hull_refuse(why, "'%.40s' is not a whole number", text);
    if (error || number > INT32_MAX)
        return hull_refuse(why, "%.40s is too large", text);
    *count = (unsigned)number;
    return true;
}

bool hull_value_size(const char *text, uint64_t *bytes, struct config_reason *why)
{
    switch (hull_parse_size(text, bytes)) {
    case 0: return true;
    case -HULL_ERANGE: return hull_refuse(why, "%.40s is too large", text);
    default: return hull_refuse(why, "'%.40s' is not a size (as 512M, 1G or 1073741824)", text);
    }
}

bool hull_value_mac(const char *text, uint8_t mac[6], struct config_reason *why)
{
    static const uint8_t zero[6];
    uint8_t parsed[6];
    const char *at = text;
    for (int i = 0; i < 6; i++, at += 3) {
        char digits[3] = {at[0], at[0] ? at[1] : '\0', '\0'};
        uint64_t byte;
        if (strlen(digits) != 2 || hull_parse_u64(digits, 16, &byte) ||
            at[2] != (i < 5 ? ':' : '\0'))
            return hull_refuse(why, "'%.40s' is not a MAC address (as 52:54:00:12:34:56)", text);
        parsed[i] = (uint8_t)byte;
    }
    if (memcmp(parsed, zero, sizeof(zero)) == 0 || parsed[0] & 1)
        return hull_refuse(why, "%s is not the address of one interface (all zero, or a group's)",
                           text);
    memcpy(mac, parsed, sizeof(parsed));
    return true;
}

bool hull_console_has_path(enum console_kind kind)
{
    return kind == CONSOLE_FILE || kind == CONSOLE_UNIX;
}

// Copies `text` into the pool, or says that there is no memory.
static bool keep(struct config_pool *pool, const char *text, size_t length, const char **copy,
                 struct config_reason *why)
{
    const char *kept = hull_pool_copy(pool, text, length);
    if (!kept)
        return hull_refuse(why, "there is no memory left");
    *copy = kept;
    return true;
}

bool hull_value_console(const char *text, struct config_pool *pool, enum console_kind *kind,
                        const char **path, struct config_reason *why)
{
    char word[16];
    size_t length = strcspn(text, ":");
    const char *rest = text[length] ? text + length + 1 : NULL;
    int value;
    snprintf(word, sizeof(word), "%.*s", (int)(length < sizeof(word) ? length : sizeof(word)),
             text);
    if (!hull_value_word(hull_console_words, word, &value, why))
        return false;
    bool wants_path = hull_console_has_path((enum console_kind)value);
    if (wants_path && (!rest || !*rest))
        return hull_refuse(why, "'%s' needs a file name: %s:NAME", word, word);
    if (!wants_path && rest)
        return hull_refuse(why, "'%s' takes no file name", word);
    const char *kept = NULL;
    if (wants_path && !keep(pool, rest, strlen(rest), &kept, why))
        return false;
    *kind = (enum console_kind)value;
    *path = kept;
    return true;
}

static bool port_parse(const char *text, uint16_t *port, struct config_reason *why)
{
    uint64_t number = 0;
    if (hull_parse_u64(text, 10, &number) || !number || number > UINT16_MAX)
        return hull_refuse(why, "'%.40s' is not a port number (1 to 65535)", text);
    *port = (uint16_t)number;
    return true;
}

static bool address_parse(const char *text, struct config_pool *pool, const char **kept,
                          struct config_reason *why)
{
    struct in_addr binary;
    if (inet_pton(AF_INET, text, &binary) != 1)
        return hull_refuse(why, "'%.40s' is not an IPv4 address (as 127.0.0.1, or 0.0.0.0 for all)",
                           text);
    return keep(pool, text, strlen(text), kept, why);
}

bool hull_value_publish(const char *text, struct config_pool *pool, struct publish_spec *publish,
                        struct config_reason *why)
{
    struct publish_spec parsed = {0};
    char copy[96];
    if (hull_strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
        return hull_refuse(why, "'%.40s…' is too long", text);
    char *protocol = strrchr(copy, '/');
    if (protocol) {
        *protocol++ = '\0';
        parsed.udp = strcmp(protocol, "udp") == 0;
        if (!parsed.udp && strcmp(protocol, "tcp") != 0)
            return hull_refuse(why, "'%.40s' is not one of tcp, udp", protocol);
    }
    char *guest = strrchr(copy, ':');
    if (!guest)
        return hull_refuse(why, "'%.60s' is not [ADDRESS:]HOST_PORT:GUEST_PORT[/udp], as 2222:22",
                           text);
    *guest++ = '\0';
    char *host = strrchr(copy, ':');
    if (host)
        *host++ = '\0';
    if (!port_parse(host ? host : copy, &parsed.host_port, why) ||
        !port_parse(guest, &parsed.guest_port, why) ||
        (host && !address_parse(copy, pool, &parsed.host_addr, why)))
        return false;
    *publish = parsed;
    return true;
}

// The text up to the next single comma, with doubled commas made one, into `out` (as large as the
// rest of the text). Returns what follows the comma, NULL at the end.
static const char *comma_part(const char *text, char *out)
{
    while (*text) {
        if (*text == ',' && *++text != ',') {
            *out = '\0';
            return text;
        }
        *out++ = *text++;
    }
    *out = '\0';
    return NULL;
}

static bool disk_suffix(const char *part, struct config_pool *pool, struct disk_spec *disk,
                        struct config_reason *why)
{
    if (strncmp(part, "id=", 3) == 0)
        return keep(pool, part + 3, strlen(part + 3), &disk->id, why);
    if (strcmp(part, "ro") != 0 && strcmp(part, "rw") != 0)
        return hull_refuse(why,
                           "',%.40s' is not one of ',ro', ',rw', ',id=ID' (a comma in the file's "
                           "name is written twice)",
                           part);
    disk->read_only = part[1] == 'o';
    return true;
}

bool hull_value_disk(const char *text, struct config_pool *pool, struct disk_spec *disk,
                     struct config_reason *why)
{
    struct disk_spec parsed = {0};
    char *part = hull_pool_copy(pool, text, strlen(text));
    if (!part)
        return hull_refuse(why, "there is no memory left");
    const char *rest = comma_part(text, part);
    if (!*part)
        return hull_refuse(why, "needs the name of a file");
    parsed.file = part;
    // The suffixes are cut out of a copy of their own: `part` is the file's name now.
    if (rest && !(part = hull_pool_copy(pool, rest, strlen(rest))))
        return hull_refuse(why, "there is no memory left");
    while (rest) {
        rest = comma_part(rest, part);
        if (!disk_suffix(part, pool, &parsed, why))
            return false;
    }
    *disk = parsed;
    return true;
}

bool hull_value_net(const char *text, struct config_pool *pool, struct net_spec *net,
                    struct config_reason *why)
{
    struct net_spec parsed = {0};
    char copy[96], *next = copy;
    if (hull_strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
        return hull_refuse(why, "'%.40s…' is too long", text);
    char *backend = strsep(&next, ",");
    int kind;
    if (strncmp(backend, "tap=", 4) == 0) {
        kind = NET_TAP;
        if (!backend[4])
            return hull_refuse(why, "'tap=' needs the interface's name, as tap=tap0");
        if (!keep(pool, backend + 4, strlen(backend + 4), &parsed.tap, why))
            return false;
    } else if (!hull_value_word(hull_net_words, backend, &kind, why)) {
        return false;
    } else if (kind == NET_TAP) {
        return hull_refuse(why, "'tap' needs the interface's name, as tap=tap0");
    }
    parsed.kind = (enum net_kind)kind;
    if (next && (kind == NET_NONE || strncmp(next, "mac=", 4) != 0))
        return hull_refuse(why, "',%.40s' has no meaning after '%.40s'%s", next, backend,
                           kind == NET_NONE ? "" : " (only ',mac=ADDRESS' has)");
    if (next && !hull_value_mac(next + 4, parsed.mac, why))
        return false;
    *net = parsed;
    return true;
}
