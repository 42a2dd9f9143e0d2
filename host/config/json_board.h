// SPDX-License-Identifier: Apache-2.0
// The JSON document of a board.
#ifndef HOST_CONFIG_JSON_BOARD_H
#define HOST_CONFIG_JSON_BOARD_H

#include "host/config/json_reader.h"

// Reads config->text into `board`; adds a fault for each thing that is wrong.
void hull_json_board_read(struct vm_config *config, struct board_spec *board);

enum json_board_object {
    JSON_BOARD,
    JSON_BOARD_MEMORY,
    JSON_BOARD_RESERVED,
    JSON_BOARD_UART,
    JSON_BOARD_IRQCHIP, // a PLIC or an APLIC
    JSON_BOARD_IMSIC,
    JSON_BOARD_DEVICE,
};
// The keys of an object, for the schema's test.
const struct json_key *hull_json_board_keys(enum json_board_object object);

#endif
