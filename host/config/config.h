// SPDX-License-Identifier: Apache-2.0
// A VM's configuration on its way to a valid struct vm_spec: the JSON file first, then what the
// command line says otherwise, then the checks. Every fault is kept with its place.
#ifndef HOST_CONFIG_CONFIG_H
#define HOST_CONFIG_CONFIG_H

#include <hull/spec.h>
#include <stdio.h>

#include "host/config/json_place.h"
#include "host/config/pool.h"
#include "host/config/values.h"

#define CONFIG_FILE_MAX (1u << 20) // bytes of a JSON file
#define CONFIG_FAULTS_MAX 64       // kept; further ones are counted
#define CONFIG_OVERRIDES_MAX 64

struct config_fault {
    struct json_place place; // line 0: not in the file
    char field[96];          // "disks[1].id", or the option: "--cpus"; may be empty
    struct config_reason reason;
};

// A field that the command line set: a fault in it is the option's, not the file's.
struct config_override {
    const char *field, *option;
};

struct vm_config {
    struct vm_spec spec;
    struct config_pool pool; // what spec's strings live in

    char *file, *folder; // of the JSON file, as the user named it; NULL: none
    char *text;          // the file's, until hull_config_settle()
    size_t text_size;

    struct config_override overrides[CONFIG_OVERRIDES_MAX];
    unsigned override_count;

    struct config_fault *faults;
    unsigned fault_count, faults_left_out;
};

// The defaults. hull_config_free() ends it; `spec` is gone then.
void hull_config_init(struct vm_config *config);
void hull_config_free(struct vm_config *config);

// Reads a JSON file into the spec. 0, or -HULL_EINVAL with at least one fault added.
HULL_MUST_CHECK int hull_config_load(struct vm_config *config, const char *file);
// Reads a board's JSON file; `config` keeps its text, strings and faults, and has no spec.
HULL_MUST_CHECK int hull_config_load_board(struct vm_config *config, const char *file,
                                           struct board_spec *board);
// The same from memory; `file` is for messages and for the folder of relative names.
HULL_MUST_CHECK int hull_config_parse(struct vm_config *config, const char *file, const char *text,
                                      size_t size);
HULL_MUST_CHECK int hull_config_parse_board(struct vm_config *config, const char *file,
                                            const char *text, size_t size,
                                            struct board_spec *board);

// Says that `option` set `field`, as the validator spells it.
void hull_config_override(struct vm_config *config, const char *field, const char *option);

// The validator's checks (when nothing was wrong so far), and whether the files are there. 0, or
// -HULL_EINVAL with faults added. `need_files`: false leaves files alone (nothing will be opened).
HULL_MUST_CHECK int hull_config_check(struct vm_config *config, bool need_files);

// Adds a validator's fault, unless one of the first `known` faults is about the same key: a value that
// could not be read has its default, and the validator would judge what nobody wrote.
void hull_config_judge(struct vm_config *config, unsigned known, const struct spec_error *error);

// Frees what only messages need; call it before the VM runs.
void hull_config_settle(struct vm_config *config);

// Adds a fault of a field that is named as the validator does ("disks[1].id"): with its place in the
// file, or as that of the option that set it.
void hull_config_fault_field(struct vm_config *config, const char *field, const char *reason);
// The field's name as the file spells it: the validator spells a few as struct vm_spec does.
void hull_config_field_in_file(const char *field, char *out, size_t size);
// Adds one of a place in the file, of an option (`field`), or of the whole (NULL).
void hull_config_fault_at(struct vm_config *config, const struct json_place *place,
                          const char *field, const char *reason);

// One line each: PREFIX FILE:LINE:COLUMN: FIELD: REASON.
void hull_config_print_faults(const struct vm_config *config, FILE *to, const char *prefix);

#endif
