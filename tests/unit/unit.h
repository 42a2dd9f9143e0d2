// SPDX-License-Identifier: Apache-2.0
// What every unit test includes first: cmocka and the headers that it needs before itself, in the
// order that it needs them.
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#endif
