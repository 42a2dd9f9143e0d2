// SPDX-License-Identifier: Apache-2.0
// Where the fields of a bundle's header and of its table's entries stand.
#ifndef HULL_CORE_BUNDLE_TABLE_H
#define HULL_CORE_BUNDLE_TABLE_H

#define HEAD_MAGIC 0
#define HEAD_VERSION 8
#define HEAD_COUNT 12 // of sections
#define HEAD_SIZE 16  // of the bundle
#define HEAD_SUM 24   // of header and table, with zeroes here
#define HEAD_ZERO 32  // to the header's end

#define ENTRY_TYPE 0
#define ENTRY_VERSION 4
#define ENTRY_OFFSET 8
#define ENTRY_SIZE 16
#define ENTRY_SUM 24

#endif
