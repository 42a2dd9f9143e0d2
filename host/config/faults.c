// SPDX-License-Identifier: Apache-2.0
// Keeps a configuration's faults, finds out where each of them stands, and prints them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config/config.h"

#define FIELD_DEPTH_MAX 8
#define FIELD_KEY_MAX 24 // longer keys are none of ours

// What a file or a user wrote must not drive the terminal: control characters become '?'.
static void copy_printable(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++) {
        unsigned char c = (unsigned char)from[i];
        to[i] = c < 0x20 || c == 0x7f ? '?' : from[i];
    }
    to[i] = '\0';
}

void hull_config_fault_at(struct vm_config *config, const struct json_place *place,
                          const char *field, const char *reason)
{
    if (config->fault_count == CONFIG_FAULTS_MAX) {
        config->faults_left_out++;
        return;
    }
    if (!config->faults)
        config->faults = calloc(CONFIG_FAULTS_MAX, sizeof(*config->faults));
    struct config_fault *fault = config->faults ? &config->faults[config->fault_count] : NULL;
    config->fault_count++;
    if (!fault)
        return;
    if (place)
        fault->place = *place;
    copy_printable(fault->field, field ? field : "", sizeof(fault->field));
    copy_printable(fault->reason.text, reason, sizeof(fault->reason.text));
}

// Whether `field` is `prefix` or something inside of it.
static bool field_within(const char *field, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(field, prefix, length) == 0 && (!field[length] || strchr(".[", field[length]));
}

static const char *option_of(const struct vm_config *config, const char *field)
{
    for (unsigned i = config->override_count; i-- > 0;)
        if (field_within(field, config->overrides[i].field))
            return config->overrides[i].option;
    return NULL;
}

// A field's name taken apart into steps: "disks[1].id" is a key, an index and a key.
struct field_path {
    struct json_step steps[FIELD_DEPTH_MAX];
    char keys[FIELD_DEPTH_MAX][FIELD_KEY_MAX];
    unsigned count;
};

static void field_split(const char *field, struct field_path *path)
{
    path->count = 0;
    while (*field && path->count < FIELD_DEPTH_MAX) {
        struct json_step *step = &path->steps[path->count];
        char *key = path->keys[path->count];
        *step = (struct json_step){path->count ? step - 1 : NULL, NULL, 0};
        if (*field == '[') {
            step->index = strtoul(field + 1, NULL, 10);
            field += strcspn(field, "]");
            field += *field == ']';
        } else {
            size_t length = strcspn(field, ".[");
            snprintf(key, FIELD_KEY_MAX, "%.*s", (int)length, field);
            step->key = key;
            field += length;
        }
        field += *field == '.';
        path->count++;
    }
}

// The place of the field or, when the file doesn't have it, of what it is missing from.
static bool field_locate(const struct vm_config *config, const char *field,
                         struct json_place *place)
{
    struct field_path path;
    if (!config->text)
        return false;
    field_split(field, &path);
    const struct json_step *step = path.count ? &path.steps[path.count - 1] : NULL;
    while (!hull_json_locate(config->text, config->text_size, step, JSON_PART_VALUE, place)) {
        if (!step)
            return false;
        step = step->up;
    }
    return true;
}

// The validator spells fields as struct vm_spec does; three of them are called otherwise in the file.
void hull_config_field_in_file(const char *field, char *out, size_t size)
{
    const char *rest = field + 4;
    bool net = field_within(field, "nets");
    if (field_within(field, "console_path"))
        snprintf(out, size, "console.path");
    else if (net && strstr(rest, "].kind"))
        snprintf(out, size, "net%.*s.backend", (int)strcspn(rest, "."), rest);
    else if (net)
        snprintf(out, size, "net%s", rest);
    else
        snprintf(out, size, "%s", field);
}

// Reasons name other fields ("also by nets[0]"): these as well.
static void reason_as_in_file(char *reason)
{
    for (char *at; (at = strstr(reason, "nets[")) != NULL; reason = at)
        memmove(at + 3, at + 4, strlen(at + 4) + 1);
}

void hull_config_fault_field(struct vm_config *config, const char *field, const char *reason)
{
    struct json_place place;
    struct config_reason why;
    char name[64];
    const char *option = option_of(config, field);
    hull_config_field_in_file(field, name, sizeof(name));
    snprintf(why.text, sizeof(why.text), "%s", reason);
    reason_as_in_file(why.text);
    if (option)
        hull_config_fault_at(config, NULL, option, why.text);
    else if (field_locate(config, name, &place))
        hull_config_fault_at(config, &place, name, why.text);
    else
        hull_config_fault_at(config, NULL, name, why.text);
}

static void fault_print(const struct vm_config *config, const struct config_fault *fault, FILE *to)
{
    bool in_file = config->file && (fault->place.line || !fault->field[0]);
    if (in_file)
        fprintf(to, "%s:", config->file);
    if (fault->place.line)
        fprintf(to, "%u:%u:", fault->place.line, fault->place.column);
    fprintf(to, "%s%s%s%s\n", in_file ? " " : "", fault->field, fault->field[0] ? ": " : "",
            fault->reason.text);
}

void hull_config_print_faults(const struct vm_config *config, FILE *to, const char *prefix)
{
    for (unsigned i = 0; config->faults && i < config->fault_count; i++) {
        fputs(prefix, to);
        fault_print(config, &config->faults[i], to);
    }
    if (!config->faults && config->fault_count)
        fprintf(to, "%sthere is no memory left\n", prefix);
    if (config->faults_left_out)
        fprintf(to, "%sand %u more\n", prefix, config->faults_left_out);
}
